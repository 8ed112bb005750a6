// Package node runs one peer of a mesh: the sockets, the clock and the one event loop around the pure
// protocol of package mesh. It is also the library that another program embeds:
//
//	n, err := node.Start(node.Config{Name: "billing"})
//	if err != nil { … }
//	defer n.Close()
//	n.Publish(ctx, []byte("hello"))
//	for m := range n.Subscribe().All(ctx) {
//		fmt.Println(m.Name, string(m.Text))
//	}
//
// All methods of Node and Subscription may be called from several goroutines at once.
package node

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/mesh"
	"hearsay/peer/telemetry"
	"hearsay/peer/wire"
)

// ErrClosed is returned once the node has been closed.
var ErrClosed = errors.New("the node is closed")

// Node is one running peer.
type Node struct {
	cfg      Config
	log      *slog.Logger
	tel      *telemetry.Telemetry
	id       wire.ID
	origin   wire.Origin
	addr     netip.AddrPort // of the listener
	network  Network
	listener net.Listener
	udp      Multicast // nil when there is none

	// The loop's inputs. Each is bounded; whoever finds one full waits, or is held back by TCP.
	inbox   chan *batch
	calls   chan func(now time.Time)
	publish publishQueue

	// Of the loop alone.
	mesh      *mesh.Mesh
	conns     map[wire.Conn]*conn
	dialling  map[wire.Conn]context.CancelFunc
	dirty     []*conn
	selfTest  selfTest
	rejected  map[wire.Reason]uint64 // what the shell itself turned away
	broken    ration                 // of log lines about connections that were closed for what they sent
	resolving bool
	watch     watch

	subs subscribers

	stop     chan struct{} // closed when the loop has ended
	stopOnce sync.Once
	leave    chan struct{} // closed to ask the loop to end
	wg       sync.WaitGroup
}

const (
	// inboxLen is how many reads may wait for the loop; each reader waits with one more.
	inboxLen = 32
	// callsLen is how many calls of other goroutines may wait for the loop.
	callsLen = 64
	// maxConns bounds connections of any kind, handshakes included: more than every slot that a peer
	// can offer and every handshake that the overlay lets wait. At the limit a new one is closed at
	// once, and counted as busy.
	maxConns = 1024
)

// Start opens the sockets and runs the node until Close. An error is a *ConfigError where a field of
// the Config is to blame.
func Start(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Name == "" {
		host, _ := os.Hostname()
		cfg.Name = wire.SanitizeName(host)
	}
	n := &Node{
		cfg: cfg, log: cfg.Log, tel: cfg.Telemetry, network: cfg.Network,
		inbox: make(chan *batch, inboxLen), calls: make(chan func(time.Time), callsLen),
		conns: map[wire.Conn]*conn{}, dialling: map[wire.Conn]context.CancelFunc{},
		rejected: map[wire.Reason]uint64{},
		stop:     make(chan struct{}), leave: make(chan struct{}),
	}
	n.publish.init()
	n.watch.tell = cfg.Watch
	if n.network == nil {
		n.network = realNetwork{}
	}
	if n.listener, err = n.network.Listen(cfg.Listen); err != nil {
		return nil, &ConfigError{"Listen", err}
	}
	if n.addr, err = netip.ParseAddrPort(n.listener.Addr().String()); err != nil {
		n.listener.Close()
		return nil, fmt.Errorf("listener's address: %w", err)
	}
	if !cfg.NoMulticast {
		if n.udp, err = n.network.Multicast(cfg); err != nil {
			n.listener.Close()
			return nil, multicastError(err)
		}
	}
	now := time.Now()
	rng := rand.New(rand.NewPCG(seeds(cfg.Seed)))
	if n.id = cfg.ID; n.id == "" {
		n.id = wire.NewID(rng)
	}
	epoch := uint64(now.UnixMilli())
	n.origin = wire.NewOrigin(n.id, epoch)
	mc := mesh.Config{
		ID: n.id, Epoch: epoch, Name: cfg.Name, Port: n.addr.Port(),
		Links: cfg.Links, Serve: cfg.Serve, Join: len(cfg.Join) > 0,
		Retain: cfg.Retain, RetainBytes: cfg.RetainBytes, History: cfg.History,
	}
	if n.tel.Enabled() {
		mc.Sample = n.tel.Sample
	}
	n.mesh = mesh.New(mc, now, rng)
	n.selfTest.begin(now, n.udp != nil)
	n.tel.Observe(n.metrics)
	n.wg.Go(n.accept)
	if n.udp != nil {
		n.wg.Go(n.hear)
	}
	go func() {
		n.loop()
		n.shutdown()
	}()
	return n, nil
}

// multicastError tells a missing interface from a group that cannot be.
func multicastError(err error) error {
	if _, ok := errors.AsType[*discovery.InterfaceError](err); ok {
		return &ConfigError{"Interfaces", err}
	}
	return &ConfigError{"Group", err}
}

// seeds returns the two halves of the seed, drawn if it is zero.
func seeds(seed uint64) (a, b uint64) {
	if seed != 0 {
		return seed, ^seed
	}
	var buf [16]byte
	cryptorand.Read(buf[:])
	return binary.LittleEndian.Uint64(buf[:8]), binary.LittleEndian.Uint64(buf[8:])
}

// ID is the node's peer ID, drawn at its start.
func (n *Node) ID() wire.ID { return n.id }

// NewID draws a peer ID for Config.ID.
func NewID() wire.ID { return wire.NewID(rand.New(rand.NewPCG(seeds(0)))) }

// Addr is the address of the node's listener.
func (n *Node) Addr() netip.AddrPort { return n.addr }

// Name is the node's name.
func (n *Node) Name() string { return n.cfg.Name }

// Done is closed once the node has stopped.
func (n *Node) Done() <-chan struct{} { return n.stop }

// Close says goodbye to the neighbors, closes every socket and waits for every goroutine of the node.
// It takes at most about a second. It may be called again.
func (n *Node) Close() error {
	n.stopOnce.Do(func() { close(n.leave) })
	<-n.stop
	n.wg.Wait()
	return nil
}

// shutdown runs after the loop: it closes what is open and waits for everybody.
func (n *Node) shutdown() {
	n.listener.Close()
	for _, cancel := range n.dialling {
		cancel()
	}
	deadline := time.Now().Add(lingerFor)
	for _, c := range n.conns {
		// Those that were hung up have their last words under way.
		c.net.SetDeadline(deadline)
		if !c.hungup {
			c.net.Close()
		}
	}
	if n.udp != nil {
		n.udp.Close()
	}
	n.subs.close(ErrClosed)
	n.publish.close()
	close(n.stop)
}

// call runs f on the loop and waits until it has run.
func (n *Node) call(ctx context.Context, f func(now time.Time)) error {
	done := make(chan struct{})
	select {
	case n.calls <- func(now time.Time) { f(now); close(done) }:
	case <-n.stop:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-done:
		return nil
	case <-n.stop:
		return ErrClosed
	}
}

// tell has f run on the loop soon. It reports whether the node still runs.
func (n *Node) tell(f func(now time.Time)) bool {
	select {
	case n.calls <- f:
		return true
	case <-n.stop:
		return false
	}
}
