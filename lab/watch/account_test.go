package watch

import (
	"strings"
	"testing"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// six is a mesh of six peers, of which 4 is killed at 100 ms.
func six(t *testing.T) *tale {
	x := newTale(t, 6)
	for _, l := range [][2]int{{1, 2}, {2, 3}, {1, 5}, {1, 6}, {3, 6}, {3, 4}, {4, 5}} {
		x.link(10, l[0], l[1])
	}
	x.kill(100, 4)
	x.unlink(101, 3, 4, "reset")
	x.unlink(101, 5, 4, "reset")
	return x
}

func TestAccountOfATree(t *testing.T) {
	x := six(t)
	w := x.say(112, 2, "are you there?")
	x.hear(112.4, 1, 2, "eager", w)
	x.hear(112.9, 5, 1, "eager", w)
	x.hear(113.1, 6, 1, "eager", w)
	x.hear(113.9, 3, 2, "graft", w)
	x.again(113.9, 6, 3, w, true)
	x.again(113.9, 6, 3, w, true) // its exporter had no answer, and sends it again
	x.now(200)
	x.want("last", `
"are you there?" from peer-2, 15:04:05.112: heard by 4 of 4 in 1.9 ms; 1 copy too many
peer-2   published
├─ peer-1    0.4 ms   eager
│  ├─ peer-5    0.9 ms   eager
│  └─ peer-6    1.1 ms   eager      second copy from peer-3 at 1.9 ms: pruned
└─ peer-3    1.9 ms   grafted: its eager link to peer-4 was lost 11 ms before
not owed to peer-4: killed 12 ms before this was said
trace 4bf92f3577b34da6a3ce929d0e020001
`)
	for _, what := range []string{w.ID, w.TraceID, w.Text, w.ID[:20]} {
		if a, err := x.m.Account(what); err != nil || a.ID != w.ID {
			t.Errorf("%q finds %v, %v", what, a, err)
		}
	}
	if _, err := x.m.Account("no such thing"); err == nil || !strings.Contains(err.Error(), "say last") {
		t.Errorf("an unknown message: %v", err)
	}
	x.say(300, 2, "more")
	if _, err := x.m.Account(w.ID[:20]); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("a beginning that several have: %v", err)
	}
}

func TestAccountOfWhoMissesIt(t *testing.T) {
	x := six(t)
	x.event(150, fleet.Paused, 5, "", "")
	x.fault(170, "partition 1,2,3,5/6", 1, 2, 3, 5, 6)
	w := x.say(200, 2, "hello")
	x.start(230, 4)
	x.hear(200.4, 1, 2, "eager", w)
	x.hear(200.5, 3, 2, "eager", w)
	x.now(300)
	x.want("last", `
"hello" from peer-2, 15:04:05.200: heard by 2 of 4 in 0.5 ms; no copy wasted
peer-2   published
├─ peer-1    0.4 ms   eager
└─ peer-3    0.5 ms   eager
not heard by
   peer-5    paused since 15:04:05.150 (50 ms before this was said); kept for it by 3 peers until 15:14:05.200
   peer-6    the network between it and whoever has it is cut since 15:04:05.170 (30 ms before this was said); kept for it by 3 peers until 15:14:05.200
not owed to peer-4: started 30 ms after this was said
trace 4bf92f3577b34da6a3ce929d0e020001
`)
	// The cut ends, they catch up, and the account says why they had to.
	x.event(1150, fleet.Resumed, 5, "", "")
	x.fault(1170, "heal")
	x.hear(1180, 5, 1, "catch-up", w)
	x.hear(1190, 6, 1, "catch-up", w)
	x.now(2000)
	x.want("last", `
"hello" from peer-2, 15:04:05.200: heard by 4 of 4 in 990 ms; no copy wasted
peer-2   published
├─ peer-1    0.4 ms   eager
│  ├─ peer-5    980 ms   catch-up: it was paused for 1.0 s
│  └─ peer-6    990 ms   catch-up: the network between it and peer-2 was cut for 1.0 s
└─ peer-3    0.5 ms   eager
not owed to peer-4: started 30 ms after this was said
trace 4bf92f3577b34da6a3ce929d0e020001
`)
}

func TestAccountOfWhatIsLost(t *testing.T) {
	x := six(t)
	w := x.say(200, 2, "last words")
	x.kill(2200, 2)
	x.now(3000)
	a, _ := x.m.Account(w.ID)
	if len(a.Missing) != 4 || a.Missing[0].Why != "peer-2, who alone had it, is dead" || a.Missing[0].Until != nil {
		t.Errorf("%+v", a.Missing)
	}
	if s := a.Missing[0].say(a); s != "peer-2, who alone had it, is dead since 15:04:07.200; its part is 1,3,5,6" {
		t.Errorf("it is missed because %s", s)
	}
	if f := x.m.Figures(); f.Missing != 4 || f.Lost != 4 || f.NeverRead != 0 {
		t.Errorf("%+v", f)
	}
	// Kept by one: first its memory gets full, then, for the next one, the time is over.
	w = x.say(4000, 1, "kept")
	x.hear(4001, 3, 1, "eager", w)
	x.kill(4002, 1)
	kept := func() []int {
		a, _ := x.m.Account(w.ID)
		return a.Missing[0].Kept
	}
	if k := kept(); len(k) != 1 || k[0] != 3 {
		t.Errorf("kept by %v", k)
	}
	later := x.say(4100, 3, "later")
	x.status(4200, 3, func(s *node.Status) { s.Messages.Retained = 1 })
	if k := kept(); len(k) != 0 {
		t.Errorf("peer 3 keeps one message, the later one, and yet %v keep the earlier one", k)
	}
	w = later
	if k := kept(); len(k) != 1 {
		t.Errorf("the later one is kept by %v", k)
	}
	x.now(4100 + 600_000)
	if k := kept(); len(k) != 0 {
		t.Errorf("after ten minutes kept by %v", k)
	}
}

// TestAccountWithoutSpans has nobody say who told: then nobody guesses.
func TestAccountWithoutSpans(t *testing.T) {
	x := six(t)
	w := x.say(200, 2, "hello")
	for n, ms := range map[int]float64{1: 201, 3: 202, 5: 203, 6: 204} {
		x.deliver(ms, n, w)
	}
	x.now(300)
	x.want("last", `
"hello" from peer-2, 15:04:05.200: heard by 4 of 4 in 4.0 ms
peer-2   published
├─ peer-1    1.0 ms   told by somebody whose span has not come
├─ peer-3    2.0 ms   told by somebody whose span has not come
├─ peer-5    3.0 ms   told by somebody whose span has not come
└─ peer-6    4.0 ms   told by somebody whose span has not come
not owed to peer-4: killed 100 ms before this was said
trace 4bf92f3577b34da6a3ce929d0e020001
`)
}

// TestAccountOfHostileSpans has peers lie: tell each other in a circle, name strangers, repeat themselves.
func TestAccountOfHostileSpans(t *testing.T) {
	x := six(t)
	w := x.say(200, 2, "\x1b[31m<img src=x onerror=alert(1)>\u202e\n")
	x.hear(201, 1, 3, "eager", w)
	x.hear(202, 3, 1, "eager", w)
	x.m.Span("stranger", x.spanOf(w, spanProcess, 201, 201, textAttr(attrOutcome, "delivered")))
	x.m.Span(x.id(5), x.spanOf(w, spanProcess, 203, 203, textAttr(attrPeer, "stranger"), textAttr(attrOutcome, "delivered")))
	for range 3 * MaxCopies {
		x.again(205, 1, 6, w, false)
		x.again(float64(206+int(x.span)), 1, 6, w, false)
	}
	x.now(300)
	a, err := x.m.Account("last")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Tree) != 4 || a.Further != MaxCopies {
		t.Errorf("%d lines and %d copies: %+v", len(a.Tree), a.Further, a.Tree)
	}
	var b strings.Builder
	a.Write(&b)
	if s := b.String(); strings.ContainsAny(s, "\x1b\u202e") || !strings.Contains(s, `\x1b[31m<img src=x onerror=alert(1)>\u202e\n`) {
		t.Errorf("not inert: %q", s)
	}
}

// TestStrangers has peers of somebody else's talk with ours.
func TestStrangers(t *testing.T) {
	x := six(t)
	w := words{fleet.Message{ID: "99.1.7", Origin: "99", Name: "peer-9", Seq: 7, TraceID: "4bf92f3577b34da6a3ce929d0e999999", Text: "from elsewhere"}, 9, 200}
	x.m.Span(x.id(5), x.spanOf(w, spanProcess, 200, 200, textAttr(attrOutcome, "dropped"), textAttr(attrReason, "old")))
	if s := x.m.State(); len(s.Messages) != 0 || s.Figures.Missing != 0 {
		t.Errorf("what was dropped, being of before, is shown: %+v", s.Messages)
	}
	x.hear(201, 1, 9, "eager", w)
	s := x.m.State()
	if len(s.Messages) != 1 || s.Messages[0].Heard != 1 || s.Messages[0].Owed != 1 || s.Messages[0].Name != "peer-9" {
		t.Errorf("%+v", s.Messages)
	}
	if a, err := x.m.Account("last"); err != nil || len(a.Missing) != 0 || a.Heard != 1 || a.Name != "peer-9" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestSpansAlone has nobody but spans tell of a message: of peers that the lab did not start.
func TestSpansAlone(t *testing.T) {
	x := six(t)
	w := words{fleet.Message{ID: x.id(2) + ".1.1", Origin: x.id(2), Name: "peer-2", Seq: 1, TraceID: "4bf92f3577b34da6a3ce929d0e020001"}, 2, 200}
	for range 2 { // an exporter sends again what it had no answer to
		x.m.Span(x.id(2), x.spanOf(w, spanPublish, 200, 200))
		for n, from := range map[int]int{1: 2, 3: 2, 5: 1, 6: 1} {
			x.m.Span(x.id(n), x.spanOf(w, spanProcess, 200+float64(n), 200+float64(n), textAttr(attrPeer, x.id(from)), textAttr(attrOutcome, "delivered")))
		}
	}
	x.now(10_000)
	if f := x.m.Figures(); f.Published != 1 || f.Delivered != 4 || f.RMR != 0 || f.LatencyMax != 6 || f.Reliable != 1 {
		t.Errorf("%+v", f)
	}
	if a, err := x.m.Account("last"); err != nil || a.Heard != 4 || !a.Traced {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestDeathSettles has the one die that a message was still on its way to: then everybody has it.
func TestDeathSettles(t *testing.T) {
	x := six(t)
	w := x.say(200, 2, "hello")
	for _, n := range []int{1, 3, 5} {
		x.hear(201, n, 2, "eager", w)
	}
	b := x.m.Flush(at(300))
	if len(b.Messages) != 1 || b.Messages[0].Heard != 3 || b.Messages[0].Owed != 4 {
		t.Errorf("%+v", b.Messages)
	}
	x.kill(400, 6)
	b = x.m.Flush(at(500))
	if len(b.Messages) != 1 || b.Messages[0].Heard != 3 || b.Messages[0].Owed != 3 {
		t.Errorf("after the death: %+v", b.Messages)
	}
	if f := x.m.Faults()[0]; f.Flowed != 101 {
		t.Errorf("messages flow again after %v ms", f.Flowed)
	}
}
