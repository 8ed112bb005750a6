package sim

// kind says what an event does.
type kind uint8

const (
	evWake     kind = iota // the core's deadline
	evArrive               // the head of a pipe has crossed the network
	evDial                 // a SYN arrives
	evOpened               // its answer is back
	evUnopened             // there is none, or a refusal
	evDatagram             // an announcement arrives at a part of those who are to hear it
	evResolved             // the join list's names stand for these
	evStalled              // a pipe was silent for as long as TCP takes it
	evCall                 // what a scenario asked for
)

// event is one thing that will happen. Which fields mean something depends on kind.
type event struct {
	at    int64 // virtual nanoseconds
	order uint64
	kind  kind
	run   uint32 // of host; if it has been started anew since, the event is void
	host  *Host
	pipe  *pipe
	dial  *dial
	gram  *datagram
	first int // of gram's receivers
	last  int
	call  func()
}

// queue holds the events to come, earliest first; those of one instant in the order in which they were
// pushed. It is a heap with four children to a node, which is a third faster than two: the nodes that are
// compared lie in one cache line.
type queue struct {
	heap  []slot
	near  []slot      // earlier than most of heap, and in order; what is pushed meanwhile may still come before
	room  [ahead]slot // of near
	order uint64
	free  []*event
}

// slot keeps an event's key beside its pointer, so that the heap moves without following pointers.
type slot struct {
	at    int64
	order uint64
	ev    *event
}

func (a slot) before(b slot) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// push adds an event and returns it to be filled in. It is reused after it was popped and released.
func (q *queue) push(at int64, k kind) *event {
	var e *event
	if n := len(q.free); n > 0 {
		e = q.free[n-1]
		q.free = q.free[:n-1]
	} else {
		e = new(event)
	}
	q.order++
	e.at, e.order, e.kind = at, q.order, k
	q.insert(slot{at, q.order, e})
	return e
}

func (q *queue) insert(s slot) {
	q.heap = append(q.heap, s)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !s.before(q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = s
}

// next is when the earliest event is, if there is one.
func (q *queue) next() (at int64, ok bool) {
	switch {
	case len(q.near) > 0 && (len(q.heap) == 0 || q.near[0].before(q.heap[0])):
		return q.near[0].at, true
	case len(q.heap) > 0:
		return q.heap[0].at, true
	}
	return 0, false
}

// draw takes the n earliest events, or all that there are, out of the heap, and returns them. They remain in the queue.
func (q *queue) draw(n int) []slot {
	q.near = q.room[:0]
	for range min(n, len(q.heap)) {
		top := q.heap[0]
		q.shift()
		q.near = append(q.near, top)
	}
	return q.near
}

// pop removes the earliest event. The queue must not be empty.
func (q *queue) pop() *event {
	if len(q.near) > 0 && (len(q.heap) == 0 || q.near[0].before(q.heap[0])) {
		e := q.near[0].ev
		q.near = q.near[1:]
		return e
	}
	e := q.heap[0].ev
	q.shift()
	return e
}

// shift removes the heap's top.
func (q *queue) shift() {
	n := len(q.heap) - 1
	s := q.heap[n]
	q.heap[n].ev = nil
	q.heap = q.heap[:n]
	if n == 0 {
		return
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		least := c
		for k := c + 1; k < min(c+4, n); k++ {
			if q.heap[k].before(q.heap[least]) {
				least = k
			}
		}
		if !q.heap[least].before(s) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = s
}

func (q *queue) release(e *event) {
	*e = event{}
	q.free = append(q.free, e)
}
