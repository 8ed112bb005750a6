package plumtree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// benchTree is a peer with the given number of links, and a turn's worth of decoded messages, of which
// rewrite makes the next turn's.
func benchTree(b *testing.B, links int) *Tree {
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Unix(1e9, 0)
	t := New(Config{Self: wire.NewOrigin(wire.NewID(rng), 1), Name: "self", Started: start, Retain: 10 * time.Minute, RetainBytes: 64 << 20}, rng)
	for i := range links {
		t.LinkUp(start, wire.Conn(i+1), 0)
	}
	t.Effects()
	return t
}

func benchFrame(origin wire.Origin, seq uint64, sampled bool, size int) *wire.Frame {
	rng := rand.New(rand.NewPCG(seq, 2))
	ctx := wire.NewContext(rng, sampled)
	var span wire.SpanID
	if sampled {
		span = ctx.Span
	}
	buf := wire.AppendMsgHead(nil, 3*time.Millisecond, 2, span)
	buf = wire.AppendMsgTail(buf, origin, seq, 1, "peer-3", ctx, bytes.Repeat([]byte("x"), size))
	var f wire.Frame
	if n, err := wire.Decode(buf, &f); n != len(buf) || err != nil {
		panic(err)
	}
	return &f
}

// cpuTime reports the processor time that an operation took, garbage collection included, which
// unlike the time on the clock means something while others use the machine.
func cpuTime(b *testing.B) (done func(n int)) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func(n int) { b.ReportMetric(float64(used()-start)/float64(n), "cpu-ns/op") }
}

// receive is the hot path: messages of 16 origins arrive from one link, 32 to a turn, and go out to
// the other eager links and as marks to the lazy ones. The frames are decoded beforehand.
func receive(b *testing.B, eager, lazy int, sampled bool, size int) {
	t := benchTree(b, eager+lazy+1)
	for i := range lazy {
		t.links[eager+1+i].eager = false
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var frames []*wire.Frame
	for range 16 {
		frames = append(frames, benchFrame(wire.NewOrigin(wire.NewID(rng), 7), 1, sampled, size))
	}
	now := t.cfg.Started.Add(time.Second)
	b.ReportAllocs()
	cpu := cpuTime(b)
	i := 0
	for b.Loop() {
		f := frames[i/2%len(frames)]
		t.Receive(now, 1, f, now)
		f.Msg.Seq++
		if i++; i%32 == 0 {
			now = now.Add(50 * time.Microsecond)
			t.Effects()
		}
	}
	cpu(i)
	if got := t.Stats().Delivered; got != uint64(i) {
		b.Fatal("delivered", got, "of", i)
	}
}

func BenchmarkReceiveRelay(b *testing.B) {
	for _, c := range []struct {
		eager, lazy, size int
		sampled           bool
	}{{0, 0, 100, false}, {1, 0, 100, false}, {3, 0, 100, false}, {2, 4, 100, false}, {3, 0, 100, true}, {3, 0, 4096, false}} {
		b.Run(fmt.Sprintf("eager=%d,lazy=%d,size=%d,sampled=%v", c.eager, c.lazy, c.size, c.sampled), func(b *testing.B) {
			receive(b, c.eager, c.lazy, c.sampled, c.size)
		})
	}
}

// BenchmarkReceiveDuplicate is a second copy on a link that is lazy already.
func BenchmarkReceiveDuplicate(b *testing.B) {
	t := benchTree(b, 4)
	f := benchFrame(wire.NewOrigin(wire.NewID(rand.New(rand.NewPCG(3, 4))), 7), 1, false, 100)
	now := t.cfg.Started.Add(time.Second)
	t.Receive(now, 1, f, now)
	b.ReportAllocs()
	for b.Loop() {
		t.Receive(now, 2, f, now)
		t.Effects()
	}
}

func BenchmarkPublish(b *testing.B) {
	t := benchTree(b, 4)
	body := bytes.Repeat([]byte("x"), 100)
	now := t.cfg.Started.Add(time.Second)
	b.ReportAllocs()
	cpu := cpuTime(b)
	i := 0
	defer func() { cpu(i) }()
	for b.Loop() {
		t.Publish(now, body, wire.Context{})
		if i++; i%32 == 0 {
			now = now.Add(50 * time.Microsecond)
			t.Effects()
		}
	}
}

// BenchmarkServe is catch-up: one message from the log to one link.
func BenchmarkServe(b *testing.B) {
	t := benchTree(b, 1)
	body := bytes.Repeat([]byte("x"), 100)
	now := t.cfg.Started.Add(time.Second)
	const n = 100000
	for range n {
		t.Publish(now, body, wire.Context{})
		t.Effects()
	}
	now = now.Add(time.Second)
	b.ReportAllocs()
	for i := 0; b.Loop(); {
		if i <= 0 {
			t.Receive(now, 1, &wire.Frame{Verb: wire.VerbWant, Control: &wire.Want{Uptime: 2 * time.Second, Ranges: []wire.Range{{Origin: t.cfg.Self, First: 1, Last: n}}}}, now)
			i = n
		}
		before := t.stats.Relayed
		for t.stats.Relayed == before {
			t.Effects()
		}
		for range int(t.stats.Relayed-before) - 1 {
			if !b.Loop() {
				return
			}
		}
		i -= int(t.stats.Relayed - before)
	}
}
