package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/telemetry"
	"hearsay/peer/wire"
)

const (
	// dialFor is how long a dial may take. On a LAN an answer takes a millisecond; a lost SYN is sent
	// again after one second (RFC 6298 section 2), so that twice that gives it a second chance.
	dialFor = 2 * time.Second
	// resolveFor is how long a look-up of the join list may take.
	resolveFor = 2 * time.Second
)

// perform does what the core asks for. It never blocks. Telling the core that a link is full may make
// it ask for more, so it goes on until nothing is left.
func (n *Node) perform() {
	for {
		e := n.mesh.Effects()
		if len(e.Overlay)+len(e.Datagrams)+len(e.Events)+len(e.Announced)+len(e.Broadcast.Sends)+len(e.Broadcast.Deliveries)+len(e.Broadcast.Events) == 0 {
			return
		}
		for i := range e.Overlay {
			n.performOverlay(&e.Overlay[i])
		}
		for _, d := range e.Datagrams {
			n.sendDatagram(d.Data, d.To)
		}
		for i := range e.Broadcast.Sends {
			s := &e.Broadcast.Sends[i]
			n.send(s.Conn, s.Frame)
		}
		n.subs.deliver(e.Broadcast.Deliveries)
		n.observe(e)
		n.watch.happened(n.mesh, e)
		n.mesh.Done()
		n.flush()
	}
}

func (n *Node) performOverlay(e *overlay.Effect) {
	switch e.Action {
	case overlay.Dial:
		n.dial(e.Conn, e.Addr)
	case overlay.Send:
		n.send(e.Conn, e.Frame)
	case overlay.Hangup:
		n.hangup(e.Conn)
	case overlay.Up:
		n.watch.linked(e)
		n.log.InfoContext(telemetry.In(context.Background(), e.Link.Context), "link up", "peer", e.Link.Name, "id", e.Link.ID.Short(), "addr", e.Link.Addr.String(), "dir", direction(e.Link.Out))
	case overlay.Down:
		n.watch.linked(e)
		n.log.InfoContext(telemetry.In(context.Background(), e.Link.Context), "link down", "peer", e.Link.Name, "id", e.Link.ID.Short(), "dir", direction(e.Link.Out), "reason", e.Reason)
	case overlay.Resolve:
		n.resolve()
	}
}

func direction(out bool) string {
	if out {
		return "out"
	}
	return "in"
}

// send queues frame for the end of the turn.
func (n *Node) send(id wire.Conn, frame []byte) {
	c := n.conns[id]
	if c == nil {
		return // it ended in this very turn
	}
	c.outbox.push(frame)
	if !c.dirty {
		c.dirty = true
		n.dirty = append(n.dirty, c)
	}
}

// hangup closes a connection after what was sent on it, or gives up a dial.
func (n *Node) hangup(id wire.Conn) {
	if cancel := n.dialling[id]; cancel != nil {
		delete(n.dialling, id)
		cancel()
	}
	c := n.conns[id]
	if c == nil {
		return
	}
	delete(n.conns, id)
	c.hungup = true
	if !c.dirty {
		c.dirty = true
		n.dirty = append(n.dirty, c)
	}
}

// flush hands every link what this turn has for it, once.
func (n *Node) flush() {
	for i, c := range n.dirty {
		n.dirty[i] = nil
		c.dirty = false
		queued := c.flush(c.hungup)
		if c.hungup {
			continue
		}
		if queued > hardMark {
			now := time.Now()
			delete(n.conns, c.id)
			c.net.Close()
			n.rejected[wire.ReasonSlow]++
			n.mesh.Closed(now, c.id, wire.ReasonSlow)
			continue
		}
		if !c.full && queued > highMark {
			c.full = true
			n.mesh.Full(time.Now(), c.id, true)
		}
	}
	n.dirty = n.dirty[:0]
}

// drained is called by a writer whose queue has fallen below the low mark.
func (n *Node) drained(c *conn) {
	n.tell(func(now time.Time) {
		if c.full && n.conns[c.id] == c {
			c.full = false
			n.mesh.Full(now, c.id, false)
		}
	})
}

// dial opens a connection on a goroutine of its own; the overlay bounds how many.
func (n *Node) dial(id wire.Conn, addr netip.AddrPort) {
	ctx, cancel := context.WithTimeout(context.Background(), dialFor)
	n.dialling[id] = cancel
	n.wg.Go(func() {
		defer cancel()
		c, err := n.network.Dial(ctx, addr)
		told := n.tell(func(now time.Time) {
			if n.dialling[id] == nil {
				if err == nil {
					c.Close()
				}
				return // the core has given it up
			}
			delete(n.dialling, id)
			if err != nil {
				n.log.Debug("dial failed", "addr", addr.String(), "err", err)
				n.mesh.Closed(now, id, dialReason(err))
				return
			}
			n.adopt(id, c)
			n.mesh.Opened(now, id, remoteOf(c))
		})
		if !told && err == nil {
			c.Close()
		}
	})
}

// dialReason tells a peer that is not there from one that cannot be reached.
func dialReason(err error) wire.Reason {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return wire.ReasonRefused
	}
	return wire.ReasonUnreached
}

// adopt starts the goroutines of a connection.
func (n *Node) adopt(id wire.Conn, nc net.Conn) {
	c := newConn(id, nc)
	n.conns[id] = c
	n.wg.Go(func() { c.read(n.inbox, n.stop) })
	n.wg.Go(func() { c.write(n.drained) })
}

// accept takes what dials us.
func (n *Node) accept() {
	pause := time.Millisecond
	for {
		nc, err := n.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of file descriptors, most likely: others may free some.
			n.log.Warn("accept", "err", err)
			select {
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
				continue
			case <-n.stop:
				return
			}
		}
		pause = time.Millisecond
		told := n.tell(func(now time.Time) {
			if len(n.conns) >= maxConns {
				n.rejected[wire.ReasonBusy]++
				nc.Close()
				return
			}
			remote := remoteOf(nc)
			n.adopt(n.mesh.Accepted(now, remote), nc)
		})
		if !told {
			nc.Close()
		}
	}
}

func remoteOf(c net.Conn) netip.AddrPort {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// resolve looks the join list up, on a goroutine of its own, one at a time.
func (n *Node) resolve() {
	if n.resolving {
		return
	}
	n.resolving = true
	n.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), resolveFor)
		defer cancel()
		addrs, err := n.network.Resolve(ctx, n.cfg.Join)
		n.tell(func(now time.Time) {
			n.resolving = false
			n.joinTrouble(err)
			n.mesh.Joined(now, addrs)
		})
	})
}
