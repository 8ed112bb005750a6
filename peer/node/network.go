package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/wire"
)

// Network is what a node needs of the world. The real one is TCP and UDP; tests bring one in memory.
// Its methods may be called at the same time from several goroutines.
type Network interface {
	// Listen opens the listener for links. It obeys the port rule of Config.Listen.
	Listen(addr string) (net.Listener, error)
	// Dial opens a connection within the context's time.
	Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// Multicast joins the group. A nil Multicast and no error mean that there is none.
	Multicast(cfg Config) (Multicast, error)
	// Resolve returns the addresses that the join list stands for, as far as they can be had; the error
	// names what cannot.
	Resolve(ctx context.Context, join []string) ([]netip.AddrPort, error)
}

// Multicast carries announcements.
type Multicast interface {
	Send(data []byte) error
	SendTo(data []byte, to netip.AddrPort) error
	Receive() <-chan discovery.Datagram
	// Changes tells that those who can be reached are others than before.
	Changes() <-chan struct{}
	Close() error
}

// SystemNetwork is TCP and UDP of this machine, for a Network that adds something to them.
func SystemNetwork() Network { return realNetwork{} }

// realNetwork is TCP and UDP of this machine.
type realNetwork struct{}

// silentAfter is TCP_USER_TIMEOUT: what is sent and not acknowledged for so long ends the connection.
// It stands behind the protocol's own pings, for a peer whose loop is stuck while its kernel is well.
const silentAfter = 20 * time.Second

func (realNetwork) Listen(addr string) (net.Listener, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address such as :49153 or 192.168.1.5:0: %w", addr, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 || port != 0 && port < wire.MinPort {
		return nil, fmt.Errorf("%q: the port must be 0 (the first free one) or %d to 65535", addr, wire.MinPort)
	}
	lc := net.ListenConfig{KeepAlive: -1, Control: controlListen}
	if port != 0 {
		l, err := lc.Listen(context.Background(), "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%s is taken or not an address of this machine; choose another, or port 0: %w", addr, err)
		}
		return l, nil
	}
	for port := wire.MinPort; port <= 65535; port++ {
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return nil, fmt.Errorf("%s: %w", addr, err)
		}
	}
	return nil, fmt.Errorf("%s: every port from %d to 65535 is taken", addr, wire.MinPort)
}

func (realNetwork) Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1, Control: controlConn}
	return d.DialContext(ctx, "tcp", addr.String())
}

func (realNetwork) Multicast(cfg Config) (Multicast, error) {
	m, err := discovery.Open(discovery.Config{Group: cfg.Group, Interfaces: cfg.Interfaces, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (realNetwork) Resolve(ctx context.Context, join []string) ([]netip.AddrPort, error) {
	targets, err := discovery.ParseJoin(join)
	if err != nil {
		return nil, err
	}
	var r discovery.Resolver
	return r.Resolve(ctx, targets)
}
