package overlay

import (
	"testing"
	"time"

	"hearsay/peer/wire"
)

// What happens for every batch of frames must cost nothing.
func TestCostOfEveryTurn(t *testing.T) {
	c := newTalk(t, slots(3, 6))
	c.dials('n', 1)
	c.serves('o')
	if n := testing.AllocsPerRun(100, func() {
		c.now = c.now.Add(time.Microsecond)
		c.o.Alive(c.now, 1)
		c.o.Deadline()
		c.o.Linked(1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTurn(b *testing.B) {
	c := newTalk(b, slots(3, 6))
	c.dials('n', 1)
	for b.Loop() {
		c.o.Alive(c.now, 1)
		c.o.Deadline()
	}
}

// A ping and a pong in the smallest mesh that still looks for others.
func BenchmarkPing(b *testing.B) {
	c := newTalk(b, slots(3, 6))
	c.dials('n', 1)
	for x := range 20 {
		c.announced(byte('A' + x))
	}
	f := wire.Frame{Verb: wire.VerbPing, Control: &wire.Ping{Nonce: 1, Slots: wire.Slots{Links: 3, Serve: 6}}}
	b.ReportAllocs()
	for b.Loop() {
		c.o.Receive(c.now, 1, &f)
		c.o.Deadline()
		c.o.Effects()
	}
}
