package watch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// TestPeersAgree has a thousand messages said while peers are killed, paused, cut off and started again, and asks of
// every peer whether what the lab believes it has is what it says it has.
func TestPeersAgree(t *testing.T) {
	for _, test := range []struct {
		what           string
		traced, polled bool
	}{{"with spans and statuses", true, true}, {"with events alone", false, false}} {
		t.Run(test.what, func(t *testing.T) {
			s := newStage(t, 7, 10)
			s.traced, s.polled = test.traced, test.polled
			s.meshed()
			rng := rand.New(rand.NewPCG(7, 7))
			var said []string
			for i := range 1000 {
				s.disturb(rng, i)
				if p := s.Peers()[rng.IntN(10)]; p.Alive && !p.Paused {
					said = append(said, s.say(p.Number, fmt.Sprintf("message %d", i)))
				}
				s.sleep(20 * time.Millisecond)
			}
			s.must(s.Heal(t.Context()))
			for n := range 10 {
				s.must(s.Resume(t.Context(), n+1))
			}
			s.must(s.Start(t.Context(), s.dead()...))
			s.sleep(20 * time.Second)
			s.meshed()
			s.agree(said)
		})
	}
}

func (s *stage) dead() (list []int) {
	for _, p := range s.Peers() {
		if !p.Alive {
			list = append(list, p.Number)
		}
	}
	return list
}

// disturb breaks something now and then.
func (s *stage) disturb(rng *rand.Rand, i int) {
	ctx := s.t.Context()
	n := 1 + rng.IntN(10)
	switch i % 100 {
	case 10:
		s.must(s.Kill(ctx, n))
	case 30:
		s.must(s.Start(ctx, s.dead()...))
	case 40:
		s.must(s.Pause(ctx, n))
	case 55:
		for n := range 10 {
			s.must(s.Resume(ctx, n+1))
		}
	case 60:
		s.must(s.Partition(ctx, []int{1, 2, 3, 4, 5}, []int{6, 7, 8, 9, 10}))
	case 90:
		s.must(s.Heal(ctx))
	}
}

// agree compares what accounts say of each peer with what the peers say of themselves.
func (s *stage) agree(said []string) {
	s.t.Helper()
	heard, published, died := map[int]uint64{}, map[int]uint64{}, 0
	for _, id := range said {
		a := s.account(id)
		msg := s.m.messages.byID[id]
		for _, x := range a.Missing {
			s.t.Errorf("%s, of %s, is missing at %s: %s", a.Text, a.Name, x.Name, x.Why)
		}
		if a.Owed == 0 && msg.origin.run < s.m.places[a.From-1].Run {
			died++ // with its publisher, who alone had it
		}
		for _, h := range msg.hops {
			if p := s.m.places[h.to.number-1]; h.delivery() && h.to.run == p.Run {
				heard[p.Number]++
			}
		}
		if msg.origin.run == s.m.places[msg.origin.number-1].Run {
			published[msg.origin.number]++
		}
	}
	for _, p := range s.Peers() {
		st, err := s.Status(s.t.Context(), p.Number)
		s.must(err)
		if st.Messages.Delivered != heard[p.Number] || st.Messages.Published != published[p.Number] {
			s.t.Errorf("%s has delivered %d and published %d, and the lab believes %d and %d", p.Name,
				st.Messages.Delivered, st.Messages.Published, heard[p.Number], published[p.Number])
		}
	}
	if f := s.m.Figures(); f.Duplicated+f.OutOfOrder > 0 || f.Missing+f.Lost != 0 || f.NeverRead != died || f.Published != len(said) {
		s.t.Errorf("%+v", f)
	}
}

// TestBatchesMakeTheState has the same tumult, and wants all Batches one after the other to come to the State.
func TestBatchesMakeTheState(t *testing.T) {
	s := newStage(t, 3, 10)
	s.meshed()
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 300 {
		s.disturb(rng, i)
		s.sleep(50 * time.Millisecond)
	}
	peers, links := map[int]PeerView{}, map[pair]Link{}
	var cut [][]int
	var f Figures
	for i, b := range s.batches {
		if b.Seq != uint64(i+1) {
			t.Fatalf("batch %d has the number %d", i, b.Seq)
		}
		for _, p := range b.Peers {
			peers[p.Number] = p
		}
		for _, l := range b.Gone {
			if _, there := links[pairOf(l.From, l.To)]; !there {
				continue // it came and went between two batches
			}
			delete(links, pairOf(l.From, l.To))
		}
		for _, l := range b.Links {
			links[pairOf(l.From, l.To)] = l
		}
		if b.Cut != nil {
			cut = *b.Cut
		}
		if b.Figures != nil {
			f = *b.Figures
		}
	}
	state := s.m.State()
	got := &State{Seq: state.Seq, At: state.At, Cut: cut, Figures: f}
	for _, n := range sortedKeys(peers) {
		got.Peers = append(got.Peers, peers[n])
	}
	for _, k := range sortedPairs(links) {
		got.Links = append(got.Links, links[k])
	}
	same(t, got.Peers, state.Peers)
	same(t, got.Links, state.Links)
	same(t, got.Cut, state.Cut)
	if got.Figures.Links != state.Figures.Links || got.Figures.Parts != state.Figures.Parts {
		t.Errorf("figures %+v and %+v", got.Figures, state.Figures)
	}
}

func sortedKeys[V any](m map[int]V) (list []int) {
	for n := range m {
		list = append(list, n)
	}
	slices.SortFunc(list, cmp.Compare)
	return list
}

func same(t *testing.T, got, want any) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("the batches come to\n%s\nand the state is\n%s", a, b)
	}
}

func TestFaultsAndHeals(t *testing.T) {
	s := newStage(t, 1, 6)
	s.meshed()
	if f := s.m.Figures(); f.FormedMS <= 0 || f.FormedMS > 5000 || f.HealedMS >= 0 {
		t.Errorf("formed: %+v", f)
	}
	s.sleep(3 * time.Second)
	var linked int
	s.recorder.Flush(func(*tracepb.ResourceSpans) {})
	s.must(s.Kill(t.Context(), 4))
	s.say(1, "after")
	s.sleep(10 * time.Second)
	f := s.m.Faults()[0]
	if f.Kind != "kill" || f.What != "kill 4" || f.Neighbors < 2 || f.Noticed < 0 || f.Healed < 0 || f.Flowed < 0 || f.Trace == "" {
		t.Errorf("%+v", f)
	}
	for _, h := range s.m.heals.list {
		if h.Fault == f.Number && h.Trace != "" && slices.Contains(h.Lost, "peer-4") {
			linked++
		}
	}
	if linked == 0 || linked != len(f.Heals) {
		t.Errorf("of the heals %d name the fault, which names %v: %+v", linked, f.Heals, s.m.heals.list)
	}
	s.must(s.Partition(t.Context(), []int{1, 2, 3}, []int{5, 6}))
	s.sleep(100 * time.Millisecond)
	if f := s.m.Figures(); f.Parts != 2 || f.Meshed {
		t.Errorf("just after the partition: %+v", f)
	}
	s.sleep(10 * time.Second)
	if f := s.m.Faults()[1]; f.Kind != "partition" || f.Noticed < 1000 || f.Healed < 1000 || f.Healed > 8000 {
		t.Errorf("each part is whole by itself, but %+v", f)
	}
	s.must(s.Heal(t.Context()))
	s.sleep(10 * time.Second)
	if f := s.m.Faults()[2]; f.Kind != "heal" || f.Healed <= 0 || f.Healed > 8000 {
		t.Errorf("%+v", f)
	}
	if f := s.m.Figures(); f.Parts != 1 || !f.Meshed || f.HealedMS != s.m.Faults()[2].Healed {
		t.Errorf("%+v", f)
	}
}

// TestHealLinksToItsFault sees that the span itself gets the link, once.
func TestHealLinksToItsFault(t *testing.T) {
	x := six(t)
	span := &tracepb.Span{
		TraceId: []byte{15: 9}, SpanId: []byte{7: 9}, Name: spanHeal,
		StartTimeUnixNano: uint64(at(101).UnixNano()), EndTimeUnixNano: uint64(at(103).UnixNano()),
		Attributes: attrs{textAttr(attrPeer, x.id(4)), textAttr(attrReason, "reset"), textAttr(attrOutcome, "linked")},
	}
	x.m.Event(fleet.Event{At: at(103), Kind: fleet.Healed, Peer: 3, Run: 1, Took: 2 * time.Millisecond, Reason: "linked"})
	x.m.Span(x.id(3), span)
	if len(span.Links) != 1 || string(span.Links[0].TraceId) != string([]byte{0: 0xfa, 1: 1, 15: 0}) {
		t.Fatalf("its links are %v", span.Links)
	}
	if n := len(x.m.heals.list); n != 1 {
		t.Errorf("the fleet and the span tell of one mending, and the lab knows %d", n)
	}
	if f := x.m.Faults()[0]; len(f.Heals) != 1 || f.Slots != 3 {
		t.Errorf("%+v", f)
	}
	// Those that have nothing to do with it: of another link, and of that peer's a minute later.
	for ms, lost := range map[float64]int{110: 1, 60_000: 4} {
		span.Links, span.Attributes = nil, attrs{textAttr(attrPeer, x.id(lost))}
		span.StartTimeUnixNano, span.EndTimeUnixNano = uint64(at(ms).UnixNano()), uint64(at(ms+1).UnixNano())
		if x.m.Span(x.id(2), span); len(span.Links) > 0 {
			t.Errorf("a mending that no fault made necessary links to %v", span.Links)
		}
	}
}

// TestFaultsThatAreOnlyAnnounced wants nothing to have healed that has not broken yet.
func TestFaultsThatAreOnlyAnnounced(t *testing.T) {
	x := newTale(t, 3)
	x.link(10, 1, 2)
	x.link(10, 2, 3)
	x.link(10, 3, 1)
	healed := func() float64 { f := x.m.Faults(); return f[len(f)-1].Healed }
	x.fault(100, "kill 3", 3)
	if healed() >= 0 {
		t.Error("a death has healed before it came")
	}
	x.event(101, fleet.Ended, 3, "", "kill")
	if healed() >= 0 {
		t.Error("a death has healed that nobody knows of")
	}
	x.unlink(102, 1, 3, "reset")
	x.unlink(105, 2, 3, "reset")
	if healed() != 5 {
		t.Errorf("it healed after %v ms", healed())
	}
	x.fault(200, "pause 2", 2)
	x.fault(201, "start 3", 3)
	if healed() >= 0 {
		t.Error("a start has healed before it came")
	}
}

// TestDeathsNobodyAnnounced are faults too, and one where they come together.
func TestDeathsNobodyAnnounced(t *testing.T) {
	x := six(t)
	for _, n := range []int{5, 6} {
		x.event(5000, fleet.Ended, n, "", "exit status 2")
	}
	list := x.m.Faults()
	if f := list[len(list)-1]; len(list) != 2 || f.Kind != "crash" || f.What != "crash 5,6" || f.Trace != "" {
		t.Errorf("%+v", list)
	}
	// An engine that tells of its own faults after the fact.
	x.event(9000, fleet.Ended, 1, "", "kill")
	x.fault(9001, "kill 1", 1)
	list = x.m.Faults()
	if f := list[len(list)-1]; len(list) != 3 || f.What != "kill 1" || f.Trace == "" || f.At != millis(at(9000)) {
		t.Errorf("%+v", list)
	}
}

// TestNothingNew looks again and again, and tells of it once.
func TestNothingNew(t *testing.T) {
	s := newStage(t, 1, 3)
	s.meshed()
	s.sleep(10 * time.Second)
	before := len(s.batches)
	s.sleep(10 * time.Second)
	for _, b := range s.batches[before:] {
		if len(b.Peers)+len(b.Links)+len(b.Messages) > 0 {
			t.Errorf("at rest there is news: %+v", b)
		}
	}
}

func TestTwiceAndOutOfOrder(t *testing.T) {
	x := six(t)
	a, b := x.say(200, 2, "a"), x.say(201, 2, "b")
	x.deliver(202, 1, b)
	x.deliver(203, 1, a)
	x.deliver(204, 1, a)
	if f := x.m.Figures(); f.OutOfOrder != 1 || f.Duplicated != 1 {
		t.Errorf("%+v", f)
	}
}

// TestStatusOfBefore has the lab come to peers that are linked already, and lose nothing that events told since.
func TestStatusOfBefore(t *testing.T) {
	x := newTale(t, 3)
	x.status(100, 1, func(s *node.Status) {
		s.Links = []node.LinkStatus{{ID: x.id(2), Dir: "out", Eager: true, RTTUS: 210, SinceMS: 50}}
	})
	x.status(100, 2, func(s *node.Status) {
		s.Links = []node.LinkStatus{{ID: x.id(1), Dir: "in", Eager: true, RTTUS: 190, SinceMS: 50}}
	})
	x.now(101)
	want := Link{From: 1, To: 2, State: LinkWhole, Eager: true, Push: [2]bool{true, true}, Since: millis(at(50)), RTT: 190}
	if got := x.m.State().Links; len(got) != 1 || !sameLink(got[0], want) {
		t.Errorf("%+v", got)
	}
	// The link breaks while peer 1 is being asked: its answer is of before.
	question := x.m.Ask(at(200), 1)
	x.event(201, fleet.LinkDown, 1, x.id(2), "reset")
	x.event(201, fleet.LinkDown, 2, x.id(1), "reset")
	x.m.Status(question, &node.Status{ID: x.id(1), Links: []node.LinkStatus{{ID: x.id(2), Dir: "out", SinceMS: 150}}})
	if got := x.m.State().Links; len(got) != 0 {
		t.Errorf("a link is back that was lost: %+v", got)
	}
	// A status without the link ends it, if we heard of it before we asked.
	x.link(300, 1, 3)
	x.m.Status(x.m.Ask(at(299), 1), &node.Status{ID: x.id(1)})
	if got := x.m.State().Links; len(got) != 1 || got[0].State != LinkWhole {
		t.Errorf("a link is gone that is younger than the question: %+v", got)
	}
	x.m.Status(x.m.Ask(at(400), 1), &node.Status{ID: x.id(1)})
	x.m.Status(x.m.Ask(at(400), 3), &node.Status{ID: x.id(3)})
	if got := x.m.State().Links; len(got) != 0 {
		t.Errorf("both ends say that they have no link: %+v", got)
	}
}

func sameLink(a, b Link) bool {
	a.Has, b.Has = [2]bool{}, [2]bool{}
	return a == b
}

func TestSiphoner(t *testing.T) {
	x := six(t)
	is := func(n int) bool { return x.m.places[n-1].siphons() }
	verify := func(outcome string) {
		x.m.Span(x.id(1), &tracepb.Span{TraceId: []byte{15: 1}, SpanId: []byte{7: 1}, Name: spanDial,
			Attributes: attrs{textAttr(attrPeer, x.id(4)), textAttr(attrPurpose, "verify"), textAttr(attrOutcome, outcome)}})
	}
	x.start(200, 4)
	x.link(201, 4, 1)
	if verify("failed"); !is(4) {
		t.Error("nobody can dial peer 4 back, and yet it is no siphoner")
	}
	if verify("verified"); is(4) {
		t.Error("peer 4 was reached, and yet it is one")
	}
	verify("failed")
	if x.link(202, 3, 4); is(4) {
		t.Error("peer 3 has dialled it, and yet it is one")
	}
	x.status(300, 6, func(s *node.Status) { s.Slots = node.SlotStatus{Links: 3, Serve: 2} })
	if !is(6) {
		t.Error("peer 6 serves less than it takes, and is no siphoner")
	}
}

// TestBounds tells of more than is remembered.
func TestBounds(t *testing.T) {
	x := newTale(t, 2)
	x.link(1, 1, 2)
	for i := range MaxMessages + 1000 {
		w := x.say(float64(10+i), 1, "x")
		if i%2 == 0 {
			x.deliver(float64(10+i), 2, w)
		}
	}
	l := &x.m.messages
	if n := len(l.order); n > MaxMessages+MaxMessages/16 || n < MaxMessages || len(l.byID) != n || len(l.open) > n || len(l.dirty) > n {
		t.Errorf("%d messages, %d names, %d open, %d dirty", n, len(l.byID), len(l.open), len(l.dirty))
	}
	if f := x.m.Figures(); int(f.Forgotten)+len(l.order) != MaxMessages+1000 {
		t.Errorf("%d were forgotten", f.Forgotten)
	}
	b := x.m.Flush(at(10_000))
	if len(b.Messages) != batchMessages || b.Messages[batchMessages-1].Number != MaxMessages+1000 || b.Skipped == 0 {
		t.Errorf("a batch has %d messages, and skips %d", len(b.Messages), b.Skipped)
	}
	for i := range 3 * MaxEvents {
		x.event(float64(20_000+i), fleet.Rooted, 1, x.id(1), "")
		x.event(float64(20_000+i), fleet.Log, 1, "", "a line")
	}
	if n, logs := len(x.m.events.list), len(x.m.logs.list); n > MaxEvents+MaxEvents/4 || logs > MaxLogs+MaxLogs/4 {
		t.Errorf("%d events and %d lines of log", n, logs)
	}
	if b = x.m.Flush(at(40_000)); len(b.Events) != batchEvents || b.Unsaid < 5*MaxEvents {
		t.Errorf("a batch has %d events, and does not tell of %d", len(b.Events), b.Unsaid)
	}
	x.event(50_000, fleet.LinkUp, MaxPlaces+1, x.id(1), "out")
	for range 2 * MaxRuns {
		x.start(60_000, 2)
	}
	if n := len(x.m.places[1].runs); n != MaxRuns || len(x.m.runs) != MaxRuns+1 {
		t.Errorf("%d runs, %d ids", n, len(x.m.runs))
	}
	if len(x.m.places) != 2 {
		t.Errorf("%d places", len(x.m.places))
	}
	long := x.say(70_000, 1, string(make([]byte, 3*MaxText)))
	if n := len(x.m.messages.byID[long.ID].text); n > MaxText+3 {
		t.Errorf("%d bytes of a text", n)
	}
}

func TestHistory(t *testing.T) {
	var h history
	began := time.Unix(1000, 0)
	seq := uint64(0)
	add := func(after time.Duration, size int) {
		now := began.Add(after)
		if h.keyDue(now) {
			h.add(entry{seq, now, true, json.RawMessage(fmt.Sprintf(`{"seq":%d}`, seq))})
		}
		seq++
		h.add(entry{seq, now, false, json.RawMessage(make([]byte, size))})
	}
	for i := range 3000 {
		add(time.Duration(i)*time.Second, 100)
	}
	if d := h.entries[len(h.entries)-1].at.Sub(h.entries[0].at); d < HistoryFor-keyEvery || d > HistoryFor+2*keyEvery {
		t.Errorf("the past of %v is kept", d)
	}
	if !h.entries[0].key {
		t.Error("the oldest cannot be shown")
	}
	r := h.replay(began.Add(2900*time.Second), 30*time.Second)
	if n := len(r.Batches); n < 30 || n > 42 || string(r.State) == "" || r.More {
		t.Errorf("a replay of 30 s has %d batches, from %s", n, r.State)
	}
	if _, ok := h.after(seq-1000, 10); ok {
		t.Error("what was forgotten is told of as if it were not")
	}
	if list, ok := h.after(seq-3, 10); !ok || len(list) != 3 || list[0].seq != seq-2 {
		t.Errorf("the last three are %v, %v", list, ok)
	}
	if list, ok := h.after(seq, 10); !ok || len(list) != 0 {
		t.Errorf("after the last there is %v", list)
	}
	for i := range 200 {
		add(3000*time.Second+time.Duration(i)*time.Second, 1<<20)
	}
	if h.bytes > HistoryBytes+11<<20 {
		t.Errorf("%d bytes are kept", h.bytes)
	}
	total := 0
	for _, e := range h.entries {
		total += len(e.json)
	}
	if total != h.bytes {
		t.Errorf("%d bytes are counted, and there are %d", h.bytes, total)
	}
}
