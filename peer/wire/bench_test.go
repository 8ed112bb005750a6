package wire

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// sampleMsg is a message of 100 bytes as a busy mesh relays it: unsampled unless a span is given.
func sampleMsg(sampled bool) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	origin := NewOrigin(NewID(r), 0x18e1f3a9c55)
	publisher := NewContext(r, sampled)
	var span SpanID
	if sampled {
		span = publisher.Child(r).Span
	}
	b := AppendMsgHead(nil, 3*time.Millisecond, 2, span)
	return AppendMsgTail(b, origin, 120345, 100001, "peer-3", publisher, bytes.Repeat([]byte("x"), 100))
}

func BenchmarkDecodeMsg(b *testing.B) {
	for name, sampled := range map[string]bool{"unsampled": false, "sampled": true} {
		b.Run(name, func(b *testing.B) {
			buf := sampleMsg(sampled)
			var f Frame
			b.ReportAllocs()
			for b.Loop() {
				if n, err := Decode(buf, &f); n != len(buf) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkAppendMsgHead(b *testing.B) {
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendMsgHead(buf[:0], 3*time.Millisecond, 2, SpanID{})
	}
}

func BenchmarkAppendMsgTail(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	origin, publisher := NewOrigin(NewID(r), 0x18e1f3a9c55), NewContext(r, false)
	body := bytes.Repeat([]byte("x"), 100)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendMsgTail(buf[:0], origin, 120345, 100001, "peer-3", publisher, body)
	}
}

func BenchmarkDecodeControl(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	marks := make([]Mark, MaxMarks)
	for i := range marks {
		marks[i] = Mark{NewOrigin(NewID(r), r.Uint64()), 120345}
	}
	for _, bench := range []struct {
		name  string
		frame []byte
	}{
		{"ping", AppendPing(nil, Ping{Nonce: 77, Slots: Slots{3, 3, 2, 6}})},
		{"ihave-1", AppendIHave(nil, IHave{marks[:1]})},
		{"ihave-10", AppendIHave(nil, IHave{marks})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var f Frame
			b.ReportAllocs()
			for b.Loop() {
				if n, err := Decode(bench.frame, &f); n != len(bench.frame) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
