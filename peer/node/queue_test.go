package node

import (
	"bytes"
	"testing"
)

func TestQueueJoinsNeighbors(t *testing.T) {
	log := []byte("aaabbbbcc--dd")
	apart := []byte("xyz")
	var q queue
	q.push(log[0:3])
	q.push(log[3:7])
	q.push(log[7:9])
	q.push(log[11:13]) // not adjacent: two bytes lie between
	q.push(apart)
	q.push(nil)
	if len(q.slices) != 3 || q.bytes != 14 {
		t.Fatalf("%d slices of %d bytes, want 3 of 14: %q", len(q.slices), q.bytes, q.slices)
	}
	if got := bytes.Join(q.slices, nil); string(got) != "aaabbbbccddxyz" {
		t.Fatalf("queue holds %q", got)
	}
}

func TestQueueRespectsCapacity(t *testing.T) {
	// Two slices cut to their length never join, though they touch: the first does not own what follows.
	log := []byte("aabb")
	var q queue
	q.push(log[0:2:2])
	q.push(log[2:4:4])
	if len(q.slices) != 2 {
		t.Fatalf("joined %q over a capacity", q.slices)
	}
}

func TestQueueMoves(t *testing.T) {
	var a, b queue
	a.push([]byte("one"))
	b.push([]byte("zero"))
	a.moveTo(&b)
	if got := bytes.Join(b.slices, nil); string(got) != "zeroone" || b.bytes != 7 || a.bytes != 0 || len(a.slices) != 0 {
		t.Fatalf("moved to %q (%d bytes), left %q (%d bytes)", got, b.bytes, a.slices, a.bytes)
	}
}

func BenchmarkQueuePush(b *testing.B) {
	log := make([]byte, 1<<20)
	var q queue
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := i * 200 % (len(log) - 200)
		q.push(log[at : at+200])
		if i%1000 == 0 {
			q.reset()
		}
	}
}
