package hook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"hearsay/peer/node"
)

// network is the real one under a lab's rules.
type network struct {
	node.Network
	session *Session
	law     law
	heard   heard
	group   *multicast // nil without multicast
}

// Listen listens, says hello to the lab, and returns once the lab lets the peer begin.
func (n *network) Listen(addr string) (net.Listener, error) {
	l, err := n.Network.Listen(addr)
	if err != nil {
		return nil, err
	}
	if err := n.session.begin(l.Addr().String()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &listener{l, n}, nil
}

// Dial waits, as a dial does whose first packet is lost, while a cut stands between us and addr.
func (n *network) Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	for s := n.law.now.Load(); s.cuts(addr); s = n.law.now.Load() {
		select {
		case <-s.changed:
		case <-ctx.Done():
			n.law.dials.Add(1)
			return nil, ctx.Err()
		}
	}
	s := n.law.now.Load()
	if s.stranger(addr) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: syscall.ECONNREFUSED}
	}
	if !s.easy(addr) {
		n.law.late.Add(1)
		select {
		case <-time.After(s.lateStream()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c, err := n.Network.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return newLink(c, &n.law, addr), nil
}

// Multicast joins the group.
func (n *network) Multicast(cfg node.Config) (node.Multicast, error) {
	m, err := n.Network.Multicast(cfg)
	if err != nil || m == nil {
		return m, err
	}
	n.group = newMulticast(m, n)
	return n.group, nil
}

// listener accepts links under the rules.
type listener struct {
	net.Listener
	network *network
}

// Accept takes a connection. A siphoner hangs up on everybody at once, as one whom a firewall shields.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.network.session.siphoner.Load() {
			reset(c)
			continue
		}
		return newLink(c, &l.network.law, netip.AddrPort{}), nil
	}
}
