package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// ErrTooLong is returned for a message longer than wire.MaxBody bytes.
var ErrTooLong = plumtree.ErrTooLong

// Receipt says that a message was accepted: from here on it is kept and sent.
type Receipt struct {
	ID      string // wire.MessageID: origin, epoch and sequence number
	Seq     uint64
	TraceID string // 32 hex digits
	Context wire.Context
}

// publishBacklog is how many publications may wait for the loop; further publishers wait before they
// join the queue.
const publishBacklog = 1024

// publication is one text on its way to the loop and back.
type publication struct {
	text   []byte
	parent wire.Context
	done   *publications
	index  int
}

// publications is one call of PublishAll.
type publications struct {
	mu       sync.Mutex
	receipts []Receipt
	left     int
	finished chan struct{}
	quit     bool // the caller has gone: what the loop has not taken is not published
}

// publishQueue is how texts reach the loop: all that wait are taken in one turn.
type publishQueue struct {
	mu      sync.Mutex
	waiting []publication
	next    []publication // the loop's, in order, not yet accepted by the core
	room    chan struct{} // a token for each place
	ready   chan struct{}
	retry   *time.Timer
	closed  bool
}

func (q *publishQueue) init() {
	q.room = make(chan struct{}, publishBacklog)
	q.ready = make(chan struct{}, 1)
}

func (q *publishQueue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *publishQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	if q.retry != nil {
		q.retry.Stop()
	}
}

// Publish sends text to every peer. It returns once the message is accepted, which means kept here and
// on its way: usually at once; while neighbors cannot take more, as soon as they can. An error means
// that it was not accepted: ErrTooLong, ErrClosed, or the context's. The span in ctx, if there is one,
// becomes the parent of the message's. The node keeps text: do not change it afterwards.
func (n *Node) Publish(ctx context.Context, text []byte) (Receipt, error) {
	receipts, err := n.PublishAll(ctx, [][]byte{text})
	if err != nil {
		return Receipt{}, err
	}
	return receipts[0], nil
}

// PublishAll publishes several texts in order, and waits once for all. With an error the receipts are
// of those that were accepted, which are the first ones.
func (n *Node) PublishAll(ctx context.Context, texts [][]byte) ([]Receipt, error) {
	for _, text := range texts {
		if len(text) > wire.MaxBody {
			return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLong, len(text), wire.MaxBody)
		}
	}
	if len(texts) == 0 {
		return nil, nil
	}
	caller := trace.SpanContextFromContext(ctx)
	parent := wire.Context{Trace: wire.TraceID(caller.TraceID()), Span: wire.SpanID(caller.SpanID()), Sampled: caller.IsSampled()}
	q := &n.publish
	p := &publications{left: len(texts), receipts: make([]Receipt, 0, len(texts)), finished: make(chan struct{})}
	for i, text := range texts {
		select {
		case q.room <- struct{}{}:
		case <-ctx.Done():
			return p.abandon(), context.Cause(ctx)
		case <-n.stop:
			return p.abandon(), ErrClosed
		}
		q.mu.Lock()
		q.waiting = append(q.waiting, publication{text, parent, p, i})
		q.mu.Unlock()
		q.signal()
	}
	select {
	case <-p.finished:
		return p.receipts, nil
	case <-ctx.Done():
		return p.abandon(), context.Cause(ctx)
	case <-n.stop:
		return p.abandon(), ErrClosed
	}
}

// abandon withdraws what was not accepted yet, and returns the receipts of what was.
func (p *publications) abandon() []Receipt {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quit = true
	return p.receipts
}

// takePublications publishes what waits, in order, until the core is busy; then it tries again soon.
func (n *Node) takePublications() {
	q := &n.publish
	q.mu.Lock()
	q.next = append(q.next, q.waiting...)
	clear(q.waiting)
	q.waiting = q.waiting[:0]
	q.mu.Unlock()
	now := time.Now()
	taken := 0
	for i := range q.next {
		if !n.publishOne(now, &q.next[i]) {
			break
		}
		<-q.room
		taken++
	}
	rest := copy(q.next, q.next[taken:])
	clear(q.next[rest:])
	q.next = q.next[:rest]
	if rest > 0 {
		// Room comes with a link that drains, which is a turn of the loop but no signal to us.
		if q.retry == nil {
			q.retry = time.AfterFunc(publishRetry, q.signal)
		} else {
			q.retry.Reset(publishRetry)
		}
	}
}

// publishRetry is how soon a publication that met full links is tried again: short beside the time
// that a full link takes to drain, long beside a turn.
const publishRetry = time.Millisecond

// publishOne reports whether the publication is done with, accepted or withdrawn.
func (n *Node) publishOne(now time.Time, p *publication) bool {
	d := p.done
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.quit {
		return true
	}
	seq, ctx, err := n.mesh.Publish(now, p.text, p.parent)
	if errors.Is(err, plumtree.ErrBusy) {
		return false
	}
	if err != nil {
		panic("node: the core refused a message that was checked: " + err.Error())
	}
	m := Message{Origin: n.origin, Seq: seq, Name: n.cfg.Name, Context: ctx, Text: p.text}
	d.receipts = append(d.receipts, Receipt{ID: m.ID(), Seq: seq, TraceID: m.TraceID(), Context: ctx})
	n.subs.published(m)
	n.watch.said(now, m)
	if d.left--; d.left == 0 {
		close(d.finished)
	}
	return true
}
