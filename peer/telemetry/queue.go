package telemetry

import (
	"errors"
	"sync/atomic"
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
)

const (
	// maxOverlay and maxAnnounced are how many events may wait of what is rare: room for a storm of dials
	// and losses. Beyond it they are dropped and counted. Message events have OTEL_BSP_MAX_QUEUE_SIZE.
	maxOverlay   = 512
	maxAnnounced = 64
	// gather is how long events wait for company. Leaving an event costs the event loop nanoseconds, but
	// waking a goroutine costs it microseconds, so it does that at most twenty times a second. A trace is
	// seen this much later; the collector's own batch takes 200 ms.
	gather = 50 * time.Millisecond
	// chunk is how many slots are given back at once.
	chunk = 256
)

// queue lies between the event loop, which puts, and our goroutine, which takes.
type queue struct {
	overlay   ring[overlay.Event]
	announced ring[AnnounceEvent]
	broadcast ring[plumtree.Event]

	wake  chan struct{} // something waits
	hurry chan struct{} // a ring is half full
	said  uint64        // how many drops were reported; of the taker
}

// newQueue makes room for message events only if somebody makes spans of them.
func newQueue(traces bool, messages int) *queue {
	q := &queue{wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
	q.overlay.slots = make([]overlay.Event, maxOverlay)
	if traces {
		q.announced.slots = make([]AnnounceEvent, maxAnnounced)
		q.broadcast.slots = make([]plumtree.Event, messages)
	}
	return q
}

// wait waits until there is something to take, and a little longer for company, or until due if that is
// not zero. It returns false when stop closes.
func (q *queue) wait(stop <-chan struct{}, due time.Time) bool {
	var batch <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		batch = timer.C
	}
	select {
	case <-q.wake:
	case <-batch:
		return true
	case <-stop:
		return false
	}
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.hurry:
	case <-stop:
	}
	return true
}

func (q *queue) waiting() bool {
	return q.overlay.len()+q.announced.len()+q.broadcast.len() > 0
}

func (q *queue) dropped() uint64 {
	if q == nil {
		return 0
	}
	return q.overlay.dropped.Load() + q.announced.dropped.Load() + q.broadcast.dropped.Load()
}

var errFull = errors.New("more happens than spans can be made of; sample less (OTEL_TRACES_SAMPLER=parentbased_traceidratio)")

func (q *queue) sayDropped(rep *reporter) {
	if n := q.dropped(); n != q.said {
		rep.failed("events", int(n-q.said), errFull)
		q.said = n
	}
}

// ring is a bounded queue with one goroutine that puts and one that takes; neither ever waits for the
// other, as they would for a lock whose holder has lost its core.
//
// Invariant: head <= tail <= head+len(slots). The slots from head to tail are the taker's, the rest
// the putter's.
type ring[T any] struct {
	slots   []T
	head    atomic.Uint64 // written by the taker
	tail    atomic.Uint64 // written by the putter
	dropped atomic.Uint64
}

// put copies e, or drops and counts it if there is no room.
func (r *ring[T]) put(e *T, q *queue) {
	tail := r.tail.Load()
	n := int(tail - r.head.Load())
	if n == len(r.slots) {
		r.dropped.Add(1)
		return
	}
	r.slots[tail%uint64(len(r.slots))] = *e
	r.tail.Store(tail + 1)
	signal(q.wake)
	if n == len(r.slots)/2 {
		signal(q.hurry)
	}
}

// signal leaves word for somebody who may not be listening yet; one word is enough.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (r *ring[T]) len() int { return int(r.tail.Load() - r.head.Load()) }

// take calls f for what is there, at most chunk of it: with each event and its neighbors, which are
// nil where the queue, or the chunk, ends. F must not keep the pointers.
func (r *ring[T]) take(f func(before, e, after *T)) {
	n := min(r.len(), chunk)
	head := r.head.Load()
	at := func(i int) *T {
		if i < 0 || i >= n {
			return nil
		}
		return &r.slots[(head+uint64(i))%uint64(len(r.slots))]
	}
	for i := range n {
		f(at(i-1), at(i), at(i+1))
	}
	var zero T
	for i := range n {
		*at(i) = zero // holds on to no strings
	}
	r.head.Store(head + uint64(n))
}
