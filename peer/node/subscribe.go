package node

import (
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"slices"
	"sync"

	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// ErrSlow ends a subscription whose reader fell so far behind that its queue is full.
var ErrSlow = errors.New("the reader is too slow: its queue of undelivered messages is full")

// Message is a message as it is delivered here.
type Message struct {
	Origin  wire.Origin
	Seq     uint64
	Name    string       // of the publisher
	Hops    int          // links travelled: 1 at the publisher's neighbors, 0 for our own
	Context wire.Context // the publication's
	Text    []byte       // shared between readers: not to be changed
}

// ID names the message: no other has the same.
func (m *Message) ID() string { return wire.MessageID(m.Origin, m.Seq) }

// TraceID is the message's trace in hex, whether or not it was sampled; empty if it has none.
func (m *Message) TraceID() string {
	if !m.Context.Valid() {
		return ""
	}
	return hex.EncodeToString(m.Context.Trace[:])
}

// queueBytes is how much one subscription holds of messages that its reader is not yet done with. Their
// bytes lie in the retained log's memory, which a slow reader thereby keeps longer.
const queueBytes = 32 << 20

// lentMax is how many places for messages a subscription keeps between calls of Next.
const lentMax = 8192

// messageCost is what a queued message costs beside its text.
const messageCost = 128

// Subscription is a queue of the messages delivered since it began, in order.
type Subscription struct {
	own  bool
	subs *subscribers

	mu    sync.Mutex
	queue []Message
	bytes int // of the queue and of what is lent
	err   error
	wake  chan struct{}

	lent      []Message // what Next returned last: its memory is the next queue's
	lentBytes int
}

// Subscribe begins a subscription to what other peers say. Close it when done with it.
func (n *Node) Subscribe() *Subscription { return n.subs.add(false) }

// SubscribeAll begins a subscription to what other peers and this one say.
func (n *Node) SubscribeAll() *Subscription { return n.subs.add(true) }

// Next returns the messages that are queued, at least one, in order; it waits for one if need be. The
// slice is good until Next is called again, the messages in it for ever. The error is the context's,
// ErrClosed once the node has stopped and all is read, or ErrSlow. One goroutine at a time may call it.
func (s *Subscription) Next(ctx context.Context) ([]Message, error) {
	for {
		clear(s.lent)
		if cap(s.lent) > lentMax {
			s.lent = nil
		}
		s.mu.Lock()
		s.bytes -= s.lentBytes
		s.lentBytes = 0
		got, err := s.queue, s.err
		if len(got) > 0 {
			s.queue, s.lent, s.lentBytes = s.lent[:0], got, s.bytes
		}
		s.mu.Unlock()
		if len(got) > 0 {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// All iterates over the messages until the context or the subscription ends.
func (s *Subscription) All(ctx context.Context) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for {
			batch, err := s.Next(ctx)
			if err != nil {
				return
			}
			for _, m := range batch {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.subs.remove(s)
	s.end(ErrClosed)
}

func (s *Subscription) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// push queues messages, or ends the subscription with ErrSlow. It reports whether it goes on.
func (s *Subscription) push(batch []Message) bool {
	s.mu.Lock()
	ok := s.err == nil
	for i := range batch {
		if !ok {
			break
		}
		if s.bytes > queueBytes {
			s.err, ok = ErrSlow, false
			break
		}
		s.queue = append(s.queue, batch[i])
		s.bytes += len(batch[i].Text) + messageCost
	}
	s.mu.Unlock()
	s.signal()
	return ok
}

// subscribers are the node's subscriptions.
type subscribers struct {
	mu     sync.Mutex
	all    []*Subscription
	closed error
	slow   uint64 // subscriptions that ended with ErrSlow

	scratch []Message // of the loop alone
}

func (r *subscribers) add(own bool) *Subscription {
	s := &Subscription{own: own, subs: r, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed != nil {
		s.err = r.closed
		return s
	}
	r.all = append(r.all, s)
	return s
}

func (r *subscribers) remove(s *Subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(x *Subscription) bool { return x == s })
}

func (r *subscribers) close(err error) {
	r.mu.Lock()
	all := r.all
	r.all, r.closed = nil, err
	r.mu.Unlock()
	for _, s := range all {
		s.end(err)
	}
}

// deliver queues what was delivered in a turn, with one lock for each subscription.
func (r *subscribers) deliver(deliveries []plumtree.Delivery) {
	if len(deliveries) == 0 {
		return
	}
	for i := range deliveries {
		r.scratch = append(r.scratch, messageOf(&deliveries[i]))
	}
	r.send(r.scratch, false)
	clear(r.scratch)
	r.scratch = r.scratch[:0]
}

func (r *subscribers) published(m Message) {
	r.scratch = append(r.scratch[:0], m)
	r.send(r.scratch, true)
	clear(r.scratch)
	r.scratch = r.scratch[:0]
}

func (r *subscribers) send(batch []Message, own bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(s *Subscription) bool {
		if own && !s.own {
			return false
		}
		if s.push(batch) {
			return false
		}
		r.slow++
		return true
	})
}
