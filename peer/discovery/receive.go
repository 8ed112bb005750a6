package discovery

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/ipv4"

	"hearsay/peer/wire"
)

// readPause is how long a reader rests after an error that is not ours, so that an error that stays
// does not take a core.
const readPause = 20 * time.Millisecond

// Datagram is what was heard. Data belongs to the receiver.
type Datagram struct {
	Data []byte
	// From is where it came from, and where an answer goes.
	From netip.AddrPort
	// Interface is the index of the interface that it came in by; 0 where the system does not say.
	Interface int
	// Unicast is true for an answer to us alone, false for what all of the group heard.
	Unicast bool
	// Own is true for our own announcement: multicast works on that interface. Another peer on this
	// machine can forge it, so what it says decides.
	Own bool
}

// Receive returns the datagrams heard, in the order of hearing: announcements to the group, our own
// among them, and answers to us. At most 256 wait; more are dropped and counted. The channel is closed
// by Close.
func (m *Multicast) Receive() <-chan Datagram { return m.received }

// read hands on what one socket hears until it is closed. Everything that a stranger can send is
// counted and passed over.
func (m *Multicast) read(c *ipv4.PacketConn, unicast bool) {
	// One byte more than an announcement can have, to tell one that has more.
	buf := make([]byte, wire.MaxAnnouncement+1)
	for {
		n, cm, src, err := c.ReadFrom(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil && !tooLong(err):
			// Such as Windows telling the reader that an answer it sent was not wanted.
			m.counters.errors.Add(1)
			select {
			case <-m.closing:
				return
			case <-time.After(readPause):
			}
			continue
		case err != nil || n > wire.MaxAnnouncement:
			m.counters.oversized.Add(1)
			continue
		}
		from := src.(*net.UDPAddr).AddrPort()
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		members := m.joined()
		d := Datagram{From: from, Unicast: unicast}
		if !m.blind {
			if cm == nil || !m.forUs(members, cm, unicast) {
				m.counters.foreign.Add(1)
				continue
			}
			d.Interface = cm.IfIndex
		}
		d.Own = !unicast && m.isOwn(members, d)
		d.Data = slices.Clone(buf[:n])
		select {
		case m.received <- d:
			m.counters.received.Add(1)
		default:
			m.counters.dropped.Add(1)
		}
	}
}

// forUs reports whether a datagram was sent to the group on an interface that is joined, or, on our own
// socket, to the address of one. Both sockets are bound to every address of the machine, and Linux
// gives the shared one all groups that any program has joined; but a peer that was told to stay on lo
// must not hear the network.
func (m *Multicast) forUs(members []*member, cm *ipv4.ControlMessage, unicast bool) bool {
	dst, _ := netip.AddrFromSlice(cm.Dst)
	dst = dst.Unmap()
	if !unicast {
		return dst == m.group.Addr() &&
			slices.ContainsFunc(members, func(p *member) bool { return p.Index == cm.IfIndex })
	}
	// Not by interface: what a machine sends to an address of its own arrives by lo.
	return slices.ContainsFunc(members, func(p *member) bool { return slices.Contains(p.addrs, dst) })
}

// isOwn recognises our own announcement by the port, which nobody shares, and the address.
func (m *Multicast) isOwn(members []*member, d Datagram) bool {
	if d.From.Port() != m.ownPort {
		return false
	}
	own := false
	for _, p := range members {
		if slices.Contains(p.addrs, d.From.Addr()) {
			own = true
			if d.Interface == 0 || d.Interface == p.Index {
				p.heard()
			}
		}
	}
	return own
}
