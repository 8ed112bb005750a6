package plumtree

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hearsay/peer/wire"
)

func always(wire.Context, wire.TraceID) bool { return true }

// TestOneMessageIsOneTrace follows a sampled message along a line of three peers, and a copy that comes
// round.
func TestOneMessageIsOneTrace(t *testing.T) {
	n := newNetwork(t, 1)
	a, b, c := n.start(func(c *Config) { c.Sample = always }), n.start(), n.start()
	n.join(a, b)
	n.join(b, c)
	n.run(time.Second)
	parent := wire.NewContext(n.rng, true)
	_, ctx, _ := a.tree.Publish(n.now, []byte("hello"), parent)
	a.texts[wire.MessageID(a.origin, 1)] = "hello"
	a.perform()
	n.run(time.Second)
	one := func(p *peer, kind EventKind) Event {
		t.Helper()
		i := slices.IndexFunc(p.events, func(e Event) bool { return e.Kind == kind })
		if i < 0 {
			t.Fatalf("%s: no event of kind %d in %+v", p.name, kind, p.events)
		}
		return p.events[i]
	}
	pub, atB, atC := one(a, Published), one(b, Processed), one(c, Processed)
	if pub.Context != ctx || pub.Parent != parent || ctx.Trace != parent.Trace || !ctx.Sampled || pub.Links != 1 || pub.Size != 5 {
		t.Errorf("published %+v in %+v under %+v", pub, ctx, parent)
	}
	if atB.Parent != ctx || atB.Link != ctx || atB.Context.Trace != ctx.Trace || atB.Hops != 1 || atB.Links != 1 || atB.Outcome != Delivered || atB.Reason != "eager" {
		t.Errorf("the first hop is not under the publication: %+v", atB)
	}
	if atC.Parent != atB.Context || atC.Link != ctx || atC.Hops != 2 || atC.Links != 0 || atC.Origin != a.origin || atC.Seq != 1 {
		t.Errorf("the second hop is not under the first: %+v", atC)
	}
	if atC.Start.Sub(atB.Start) != 100*time.Microsecond || atC.Held != 0 {
		t.Errorf("the second hop began %v after the first", atC.Start.Sub(atB.Start))
	}
}

func TestTracesOfWhatIsNotDelivered(t *testing.T) {
	c := newTalk(t, 2)
	hear := func(link int, seq uint64, age time.Duration) (events []Event) {
		publisher := func(seq uint64) wire.Context { return wire.NewContext(rand.New(rand.NewPCG(seq, 1)), true) }
		b := wire.AppendMsgHead(nil, age, 3, wire.SpanID{1})
		b = wire.AppendMsgTail(b, letter('a'), seq, 1, "a", publisher(seq), []byte("x"))
		c.bytes(link, b)
		c.said = nil
		events, c.events = c.events, nil
		for _, e := range events {
			if e.Kind == Processed && (e.Parent != wire.Context{Trace: publisher(e.Seq).Trace, Span: wire.SpanID{1}, Sampled: true} || e.Link != publisher(e.Seq) || !e.Context.Valid()) {
				t.Errorf("%+v is not part of the message's trace", e)
			}
		}
		return events
	}
	if e := hear(1, 1, 2*time.Minute); len(e) != 1 || e[0].Outcome != Dropped || e[0].Reason != "old" || e[0].Links != 1 {
		t.Errorf("older than this peer: %+v", e)
	}
	if e := hear(2, 1, 2*time.Minute); len(e) != 2 || e[0].Outcome != Duplicate || e[1].Kind != Pruned || e[1].Conn != 2 {
		t.Errorf("a second copy: %+v", e)
	}
	if e := hear(1, 3, 0); len(e) != 0 {
		t.Errorf("held, so nothing to tell yet: %+v", e)
	}
	c.now = c.now.Add(2 * time.Millisecond)
	if e := hear(1, 2, 0); len(e) != 2 || e[0].Seq != 2 || e[0].Held != 0 || e[1].Seq != 3 || e[1].Held != 2*time.Millisecond || e[1].Outcome != Delivered {
		t.Errorf("after its predecessor: %+v", e)
	}
	if e := hear(1, 4, time.Hour); len(e) != 1 || e[0].Outcome != Dropped || e[0].Reason != "expired" {
		t.Errorf("expired: %+v", e)
	}
}

// TestUnsampled has no span sent and no event made.
func TestUnsampled(t *testing.T) {
	c := newTalk(t, 1)
	_, ctx, _ := c.tree.Publish(c.now, []byte("x"), wire.NewContext(c.tree.rng, true))
	if !ctx.Valid() || ctx.Sampled {
		t.Errorf("got %+v: the context travels, and is not sampled", ctx)
	}
	if e := c.tree.Effects(); len(e.Events) > 0 {
		t.Errorf("got %+v", e.Events)
	}
}

// TestSameSeedSameRun plays the same twice, and compares everything that was sent.
func TestSameSeedSameRun(t *testing.T) {
	run := func() (sent []int, stats Stats) {
		n := newNetwork(t, 5)
		n.delay = func() time.Duration { return time.Duration(n.rng.Int64N(int64(5 * time.Millisecond))) }
		for range 8 {
			n.start(func(c *Config) { c.Sample = always })
		}
		n.random(4)
		for range 300 {
			n.fault(n.rng.IntN(len(faults)))
		}
		for _, p := range n.peers {
			for _, c := range p.cables {
				sent = append(sent, c.sent)
			}
		}
		return sent, n.sum()
	}
	sent, stats := run()
	again, statsAgain := run()
	if !slices.Equal(sent, again) || stats.Delivered != statsAgain.Delivered || stats.Duplicates != statsAgain.Duplicates {
		t.Fatalf("bytes sent %v, then %v", sent, again)
	}
}
