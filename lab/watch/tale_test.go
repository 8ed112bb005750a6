package watch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// tale feeds a model by hand: peers are numbers, times are milliseconds since it began.
type tale struct {
	t    *testing.T
	m    *Model
	runs map[int]int
	seqs map[int]int
	span byte
}

var taleBegan = time.Date(2026, 1, 2, 15, 4, 5, 0, time.Local)

func newTale(t *testing.T, peers int) *tale {
	x := &tale{t: t, runs: map[int]int{}, seqs: map[int]int{}, m: NewModel(Config{Fault: func(f *Fault) SpanRef {
		return SpanRef{[16]byte{0xfa, byte(f.Number)}, [8]byte{0xfa, byte(f.Number)}}
	}})}
	for n := 1; n <= peers; n++ {
		x.start(0, n)
	}
	return x
}

func at(ms float64) time.Time { return taleBegan.Add(durationOf(ms)) }

// id is that of a peer's run.
func (x *tale) id(n int) string { return fmt.Sprintf("%02d%02d%028d", n, x.runs[n], 0) }

func (x *tale) event(ms float64, kind fleet.Kind, n int, far, reason string) {
	x.m.Event(fleet.Event{At: at(ms), Kind: kind, Peer: n, Run: x.runs[n], Far: far, Reason: reason})
}

func (x *tale) start(ms float64, n int) {
	x.runs[n]++
	x.event(ms, fleet.Started, n, x.id(n), "")
}

// link has a dial b.
func (x *tale) link(ms float64, a, b int) {
	x.event(ms, fleet.LinkUp, a, x.id(b), "out")
	x.event(ms, fleet.LinkUp, b, x.id(a), "in")
	x.event(ms, fleet.LinkEager, a, x.id(b), "")
	x.event(ms, fleet.LinkEager, b, x.id(a), "")
}

func (x *tale) unlink(ms float64, a, b int, why string) { x.event(ms, fleet.LinkDown, a, x.id(b), why) }

func (x *tale) kill(ms float64, n int) {
	x.fault(ms, "kill "+itoa(n), n)
	x.event(ms, fleet.Ended, n, "", "kill")
}

func (x *tale) fault(ms float64, what string, peers ...int) {
	x.m.Event(fleet.Event{At: at(ms), Kind: fleet.Faulted, Reason: what, Peers: peers})
}

// words is a message of peer n as everybody tells of it.
type words struct {
	fleet.Message
	from int
	at   float64
}

func (x *tale) say(ms float64, n int, text string) words {
	x.seqs[n]++
	w := words{fleet.Message{
		ID: fmt.Sprintf("%s.1.%d", x.id(n), x.seqs[n]), Origin: x.id(n), Name: fmt.Sprintf("peer-%d", n), Seq: uint64(x.seqs[n]),
		TraceID: fmt.Sprintf("4bf92f3577b34da6a3ce929d0e%02d%04d", n, x.seqs[n]), Text: text,
	}, n, ms}
	x.m.Event(fleet.Event{At: at(ms), Kind: fleet.Said, Peer: n, Run: x.runs[n], Message: &w.Message})
	x.m.Span(x.id(n), x.spanOf(w, spanPublish, ms, ms))
	return w
}

// spanOf is a span in a message's trace.
func (x *tale) spanOf(w words, name string, start, end float64, attrs ...*commonpb.KeyValue) *tracepb.Span {
	x.span++
	id, _ := parseTrace(w.TraceID)
	return &tracepb.Span{
		TraceId: id[:], SpanId: []byte{1, 7: x.span}, Name: name,
		StartTimeUnixNano: uint64(at(start).UnixNano()), EndTimeUnixNano: uint64(at(end).UnixNano()),
		Attributes: append(attrs, textAttr(attrMessage, w.ID)),
	}
}

// hear has peer n deliver what from told it; how is eager, graft or catch-up.
func (x *tale) hear(ms float64, n, from int, how string, w words) {
	x.deliver(ms, n, w)
	x.m.Span(x.id(n), x.spanOf(w, spanProcess, ms, ms, textAttr(attrPeer, x.id(from)), textAttr(attrOutcome, "delivered"), textAttr(attrReason, how)))
}

func (x *tale) deliver(ms float64, n int, w words) {
	x.m.Event(fleet.Event{At: at(ms), Kind: fleet.Delivered, Peer: n, Run: x.runs[n], Message: &w.Message})
}

// again has a further copy come to n.
func (x *tale) again(ms float64, n, from int, w words, pruned bool) *tracepb.Span {
	s := x.spanOf(w, spanProcess, ms, ms, textAttr(attrPeer, x.id(from)), textAttr(attrOutcome, "duplicate"))
	if pruned {
		s.Events = []*tracepb.Span_Event{{Name: eventPruned}}
	}
	x.m.Span(x.id(n), s)
	return s
}

func (x *tale) now(ms float64) { x.m.Flush(at(ms)) }

// want compares an account with what a person should read.
func (x *tale) want(what, want string) {
	x.t.Helper()
	a, err := x.m.Account(what)
	if err != nil {
		x.t.Fatal(err)
	}
	var b strings.Builder
	a.Write(&b)
	if got := b.String(); got != strings.TrimPrefix(want, "\n") {
		x.t.Errorf("the account is\n%s\nand should be\n%s", got, want)
	}
}

func (x *tale) status(ms float64, n int, change func(*node.Status)) {
	s := &node.Status{ID: x.id(n), UptimeMS: int64(ms), Links: []node.LinkStatus{}}
	question := x.m.Ask(at(ms), n)
	for far, e := range x.m.places[n-1].ends {
		dir := "in"
		if e.out {
			dir = "out"
		}
		s.Links = append(s.Links, node.LinkStatus{ID: far, Dir: dir, Eager: e.eager})
	}
	s.Slots = node.SlotStatus{Links: 3, Serve: 6}
	change(s)
	x.m.Status(question, s)
}
