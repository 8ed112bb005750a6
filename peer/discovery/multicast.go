// Package discovery finds other peers: by UDP multicast on the local network, and by the addresses
// and DNS names of a join list where multicast does not pass. It moves bytes and does not read them.
//
// A Multicast has two sockets. The group's socket only hears; every peer on a machine has one, on the
// same shared port. Its own socket, on a port that nobody shares, is the one that speaks, and so the
// one that answers come back to: an answer sent to the shared port would reach any one of the peers
// there. What either hears comes out of Receive.
//
// Interfaces are looked at again and again for as long as the Multicast lives. A container that is
// disconnected from its network and connected again gets a new interface, and a peer that joined once
// would be deaf and mute for good.
//
// IPv4 only: every network that has multicast and containers has it, and one address family means
// that a peer is heard once, not twice.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// DefaultGroup is where peers meet: a group of the organisation-local scope (RFC 2365 section 6.2) and
// the first dynamic port (RFC 6335 section 6).
var DefaultGroup = netip.MustParseAddrPort("239.255.77.77:49152")

const (
	// DefaultRescan is how often the interfaces are looked at. A reconnected container is heard again
	// within this time, and a look costs well under a millisecond on a machine with few.
	DefaultRescan = 2 * time.Second
	// MaxInterfaces is how many interfaces are joined, those with the lowest index first: what Linux
	// allows one socket unless told otherwise (igmp_max_memberships). Others are logged and left.
	MaxInterfaces = 20
	// receiveQueue is how many datagrams wait for the reader of Receive. Any more are dropped and
	// counted, since announcements are said again. A quarter of a megabyte at the very most.
	receiveQueue = 256
	// ttl keeps announcements on the local network: no router passes them on.
	ttl = 1
)

// Causes of an error from Open that lie in its Config.
var (
	// ErrGroup: the group is not an IPv4 multicast address with a port, or its port cannot be had,
	// since a program that does not share it was first.
	ErrGroup = errors.New("multicast group")
	// ErrInterface: an interface that Config names does not exist. The error is an *InterfaceError.
	ErrInterface = errors.New("network interface")
)

// Config says where to listen and speak. The zero value is the default group on all interfaces.
type Config struct {
	// Group is an IPv4 multicast address and a UDP port. The zero value means DefaultGroup.
	Group netip.AddrPort
	// Interfaces are the names of those to use, such as eth0, or lo to stay on this machine. They must
	// exist when Open is called; one that goes is waited for. None means every interface that is up,
	// has an IPv4 address and can multicast, apart from loopback, now or at any time later.
	Interfaces []string
	// Rescan is the time between two looks at the interfaces. Zero means DefaultRescan.
	Rescan time.Duration
	// Log receives what an operator wants to know. Nil discards it.
	Log *slog.Logger
}

// Multicast is a membership of one group on several interfaces. Its methods may be called from several
// goroutines.
type Multicast struct {
	group    netip.AddrPort
	names    []string
	rescan   time.Duration
	log      *slog.Logger
	opened   time.Time
	counters counters

	shared  *ipv4.PacketConn // on the group's port
	own     *ipv4.PacketConn // on a port of its own
	ownPort uint16
	blind   bool       // this system does not tell where datagrams were sent (Windows)
	sending sync.Mutex // one announcement at a time, where the interface is an option of the socket

	members  atomic.Pointer[[]*member] // replaced, never changed, by the goroutine that watches
	watcher  watcher                   // that goroutine's own
	received chan Datagram
	changes  chan struct{}
	look     chan struct{} // asks the watcher to look now

	closing chan struct{}
	close   func() error
	running sync.WaitGroup
}

// Open joins the group. That no interface can multicast is not an error, unless interfaces are named:
// it is logged, and one that can is waited for. See ErrGroup and ErrInterface for what is.
func Open(cfg Config) (*Multicast, error) {
	group, err := checkGroup(cfg.Group)
	if err != nil {
		return nil, err
	}
	m := &Multicast{
		group:    group,
		names:    cfg.Interfaces,
		rescan:   cfg.Rescan,
		log:      cfg.Log,
		opened:   time.Now(),
		received: make(chan Datagram, receiveQueue),
		changes:  make(chan struct{}, 1),
		look:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
	}
	if m.rescan <= 0 {
		m.rescan = DefaultRescan
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if err := checkNames(m.names); err != nil {
		return nil, err
	}
	if err := m.openSockets(); err != nil {
		return nil, err
	}
	m.members.Store(new([]*member))
	m.watch()
	if len(m.joined()) == 0 {
		m.log.Warn("no network interface can multicast now; waiting for one", "group", m.group, "interfaces", m.names)
	}

	m.close = sync.OnceValue(m.shut)
	m.running.Go(m.watchInterfaces)
	m.running.Go(func() { m.read(m.shared, false) })
	m.running.Go(func() { m.read(m.own, true) })
	return m, nil
}

// Close leaves the group and waits until everything has stopped. What Receive still holds can be read;
// then its channel is closed. What was sent before is on its way.
func (m *Multicast) Close() error { return m.close() }

func (m *Multicast) shut() error {
	close(m.closing)
	// Closing the sockets ends both readers, and leaves the group on every interface.
	err := errors.Join(m.shared.Close(), m.own.Close())
	m.running.Wait()
	close(m.received)
	return err
}

// Changes tells that the joined interfaces are not what they were, so that those who are there now
// should be told again who we are. Several changes may be told as one. It is never closed.
func (m *Multicast) Changes() <-chan struct{} { return m.changes }

func checkGroup(group netip.AddrPort) (netip.AddrPort, error) {
	if group == (netip.AddrPort{}) {
		return DefaultGroup, nil
	}
	addr := group.Addr().Unmap()
	if !addr.Is4() || !addr.IsMulticast() || group.Port() == 0 {
		return group, fmt.Errorf("%w: %s is not an IPv4 multicast address and a port, such as %s", ErrGroup, group, DefaultGroup)
	}
	return netip.AddrPortFrom(addr, group.Port()), nil
}

// openSockets binds both sockets. Go binds a multicast address to all of the machine's, so the shared
// one asks for that, and what is not for the group is sorted out by the reader.
func (m *Multicast) openSockets() error {
	shared := net.ListenConfig{Control: sharePort}
	c, err := shared.ListenPacket(context.Background(), "udp4", fmt.Sprintf("0.0.0.0:%d", m.group.Port()))
	if err != nil {
		return fmt.Errorf("%w: its port cannot be shared: %w", ErrGroup, err)
	}
	m.shared = ipv4.NewPacketConn(c)
	own, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return errors.Join(err, m.shared.Close())
	}
	m.ownPort = own.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	m.own = ipv4.NewPacketConn(own)

	// Loopback is an option of the sender everywhere but on Windows, where it is the receiver's.
	err = errors.Join(
		m.own.SetMulticastTTL(ttl),
		m.own.SetMulticastLoopback(true),
		m.shared.SetMulticastLoopback(true),
	)
	if err != nil {
		return errors.Join(err, m.shared.Close(), m.own.Close())
	}
	const where = ipv4.FlagDst | ipv4.FlagInterface
	m.blind = m.shared.SetControlMessage(where, true) != nil || m.own.SetControlMessage(where, true) != nil
	return nil
}

// InterfaceError says that a named interface does not exist. It is an ErrInterface.
type InterfaceError struct {
	Name string
	Have []string // those that do
}

func (e *InterfaceError) Error() string {
	return fmt.Sprintf("no network interface is called %q; there are %s", e.Name, strings.Join(e.Have, ", "))
}

func (e *InterfaceError) Is(target error) bool { return target == ErrInterface }
