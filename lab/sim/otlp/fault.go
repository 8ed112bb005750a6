package otlp

import (
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/sim"
	"hearsay/peer/wire"
)

const (
	// maxFaults bounds the faults' spans. Those after it have none.
	maxFaults = 10_000
	// causeFor is for how long a fault explains the loss of a link: peers notice silence after three seconds,
	// and TCP gives up after twenty.
	causeFor = 25 * time.Second
)

// fault is something that was done to a peer, or to the network.
type fault struct {
	what       string
	host       *sim.Host // nil: the network
	id         wire.ID   // of the host's run
	start, end time.Time // the end is zero while it lasts
	context    wire.Context
}

// ends are the faults that undo others.
var ends = map[string]string{"heal": "partition", "resume": "pause"}

// fault notes one. A peer's first start is none; that it was undone ends it.
func (t *Trace) fault(now time.Time, h *sim.Host, what string) {
	if what == "start" && t.of[h] == nil {
		return
	}
	over := false
	for _, f := range t.faults {
		if f.end.IsZero() && f.host == h && (ends[what] == f.what || what == f.what) {
			f.end = now
			over = true
		}
	}
	if over && ends[what] != "" || len(t.faults) == maxFaults {
		return
	}
	f := &fault{what: what, host: h, start: now, end: now, context: wire.NewContext(t.ids, true)}
	// What is done to many at one instant is one fault, and one trace.
	if n := len(t.faults); n > 0 && t.faults[n-1].what == what && t.faults[n-1].start.Equal(now) {
		f.context.Trace = t.faults[n-1].context.Trace
	}
	if h != nil {
		f.id = h.ID()
	}
	if what == "partition" || what == "pause" {
		f.end = time.Time{}
	}
	t.faults = append(t.faults, f)
}

// cause is the fault behind the loss of the link to a peer at some time: what was done to that peer, or else
// to the network.
func (t *Trace) cause(at time.Time, peer wire.ID) *fault {
	var network *fault
	for i := len(t.faults) - 1; i >= 0; i-- {
		f := t.faults[i]
		last := f.end
		if last.IsZero() {
			last = at
		}
		switch {
		case f.start.After(at) || at.Sub(last) > causeFor || f.what == "start" || f.what == "resume":
		case f.host != nil && f.id == peer:
			return f
		case f.host == nil && network == nil:
			network = f
		}
	}
	return network
}

// span is the fault's. One that lasts still ends with the trace.
func (f *fault) span(end time.Time) *tracepb.Span {
	if !f.end.IsZero() {
		end = f.end
	}
	if !end.After(f.start) {
		end = f.start.Add(1) // Jaeger warns of a span that lasts nothing
	}
	s := &tracepb.Span{
		TraceId: f.context.Trace[:], SpanId: f.context.Span[:], Name: "fault " + f.what, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
		StartTimeUnixNano: uint64(f.start.UnixNano()), EndTimeUnixNano: uint64(end.UnixNano()), Flags: 1,
		Attributes: attributes("hearsay.fault", f.what),
	}
	if f.host != nil {
		s.Attributes = append(s.Attributes, attributes("hearsay.peer.name", f.host.Name, "hearsay.peer.id", string(f.id))...)
	}
	return s
}
