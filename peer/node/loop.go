package node

import (
	"time"
)

const (
	// turnBatches is how many reads one turn takes before it performs what they ask for: enough that a
	// busy loop writes large pieces, few enough that a message is not held up by those behind it.
	turnBatches = 8
	// turnCalls is the same for calls.
	turnCalls = 16
)

// loop is the only goroutine that touches n.mesh, n.conns and n.dialling. A turn takes what has come,
// lets the core think, and does what it asks for.
func (n *Node) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	n.perform()
	for {
		timer.Reset(n.untilDeadline())
		select {
		case <-n.leave:
			n.mesh.Leave(time.Now())
			n.perform()
			return
		case b := <-n.inbox:
			n.take(b)
			n.takeMore()
		case f := <-n.calls:
			f(time.Now())
			n.callMore()
		case <-n.publish.ready:
			n.takePublications()
		case <-timer.C:
		}
		now := time.Now()
		if d := n.mesh.Deadline(); !d.IsZero() && !d.After(now) {
			n.mesh.Advance(now)
		}
		n.perform()
	}
}

func (n *Node) untilDeadline() time.Duration {
	d := n.mesh.Deadline()
	if d.IsZero() {
		return time.Hour
	}
	// Not 0: a timer that is due when it is set crashes the race detector in a synctest bubble (Go 1.26).
	return max(time.Nanosecond, time.Until(d))
}

func (n *Node) takeMore() {
	for range turnBatches - 1 {
		select {
		case b := <-n.inbox:
			n.take(b)
		default:
			return
		}
	}
}

func (n *Node) callMore() {
	for range turnCalls - 1 {
		select {
		case f := <-n.calls:
			f(time.Now())
		default:
			return
		}
	}
}

// take hands a batch's frames to the core.
func (n *Node) take(b *batch) {
	defer b.release()
	c := b.conn
	if n.conns[c.id] != c {
		return // hung up meanwhile; its reader is draining
	}
	now := time.Now()
	for i := range b.frames {
		n.mesh.Receive(now, c.id, &b.frames[i], b.at)
	}
	if b.end == "" {
		return
	}
	if b.broken {
		if ok, left := n.broken.take(now); ok {
			log := n.log
			if left > 0 {
				log = log.With("unlogged_before", left)
			}
			log.Warn("closed a connection for what it sent", "addr", c.net.RemoteAddr().String(), "reason", b.end, "detail", b.detail)
		}
		n.mesh.Break(now, c.id, b.end)
		return
	}
	delete(n.conns, c.id)
	c.flush(true)
	n.mesh.Closed(now, c.id, b.end)
}
