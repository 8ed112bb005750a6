package node

import (
	"context"
	"errors"
	"testing"
)

// What a reader has in its hands is memory as much as what waits for it.
func TestSlowReaderHoldsOneQueue(t *testing.T) {
	const size = 1 << 20
	var subs subscribers
	sub := subs.add(true)
	held := 0
	say := func(count int) {
		for range count {
			subs.published(Message{Text: make([]byte, size)})
		}
	}
	for _, first := range []int{1, 16} { // what Next gave before is forgotten
		say(first)
		got, err := sub.Next(context.Background())
		if err != nil || len(got) != first {
			t.Fatalf("got %d messages and %v, want %d", len(got), err, first)
		}
		held = len(got) * size
	}
	say(2 * queueBytes / size)
	got, err := sub.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if held += len(got) * size; held > queueBytes+size {
		t.Errorf("a reader was given %d bytes while it had others: %d in all, more than a queue of %d", len(got)*size, held, queueBytes)
	}
	if _, err := sub.Next(context.Background()); !errors.Is(err, ErrSlow) || subs.slow != 1 {
		t.Errorf("a reader that lost messages is told %v, and %d were too slow", err, subs.slow)
	}
}
