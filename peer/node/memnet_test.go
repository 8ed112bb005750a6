package node

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/wire"
)

// memNet is a LAN in memory, for nodes under testing/synctest: TCP-like connections with a buffer and
// a latency, multicast, hosts that vanish and a cut between two sides.
type memNet struct {
	mu      sync.Mutex
	hosts   map[netip.Addr]*memHost
	latency func() time.Duration
	cut     func(a, b netip.Addr) bool // nil: whole
	conns   []*memConn
}

func newMemNet(seed uint64) *memNet {
	rng := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	return &memNet{
		hosts: map[netip.Addr]*memHost{},
		latency: func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return 50*time.Microsecond + time.Duration(rng.Int64N(int64(200*time.Microsecond)))
		},
	}
}

// memHost is one address on the LAN, and the Network of the node that runs there.
type memHost struct {
	net      *memNet
	addr     netip.Addr
	listener *memListener
	group    *memGroup
	nextPort uint16
	names    map[string][]netip.AddrPort // what Resolve knows
}

func (m *memNet) host(last byte) *memHost {
	h := &memHost{net: m, addr: netip.AddrFrom4([4]byte{10, 0, 0, last}), nextPort: 60000}
	m.mu.Lock()
	m.hosts[h.addr] = h
	m.mu.Unlock()
	return h
}

func (m *memNet) reaches(a, b netip.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cut == nil || !m.cut(a, b)
}

// partition cuts the LAN: what crosses waits for the cut to heal, as TCP's retransmissions do.
func (m *memNet) partition(cut func(a, b netip.Addr) bool) {
	m.mu.Lock()
	m.cut = cut
	conns := m.conns
	m.mu.Unlock()
	for _, c := range conns {
		c.in.changed()
	}
}

// kill resets every connection of a host, as its kernel does for a process that dies.
func (h *memHost) kill() {
	h.net.mu.Lock()
	var mine []*memConn
	for _, c := range h.net.conns {
		if c.local.Addr() == h.addr || c.remote.Addr() == h.addr {
			mine = append(mine, c)
		}
	}
	delete(h.net.hosts, h.addr)
	h.net.mu.Unlock()
	for _, c := range mine {
		c.in.fail(syscall.ECONNRESET)
	}
}

func (h *memHost) Listen(string) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.listener = &memListener{addr: netip.AddrPortFrom(h.addr, wire.MinPort), queue: make(chan net.Conn, 1024), closed: make(chan struct{})}
	return h.listener, nil
}

func (h *memHost) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	select {
	case <-time.After(h.net.latency()):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !h.net.reaches(h.addr, to.Addr()) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h.net.mu.Lock()
	var listener *memListener
	if far := h.net.hosts[to.Addr()]; far != nil {
		listener = far.listener
	}
	h.nextPort++
	local := netip.AddrPortFrom(h.addr, h.nextPort)
	h.net.mu.Unlock()
	if listener == nil || to.Port() != wire.MinPort {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := h.net.pipe(local, to)
	select {
	case <-listener.closed:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case listener.queue <- theirs:
		return ours, nil
	}
}

func (h *memHost) Resolve(_ context.Context, join []string) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	var errs []error
	for _, name := range join {
		if a, err := netip.ParseAddrPort(name); err == nil {
			all = append(all, a)
		} else if known, ok := h.names[name]; ok {
			all = append(all, known...)
		} else {
			errs = append(errs, errors.New("no such host: "+name))
		}
	}
	return all, errors.Join(errs...)
}

func (h *memHost) Multicast(Config) (Multicast, error) {
	g := &memGroup{host: h, queue: make(chan discovery.Datagram, 256)}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.group = g
	return g, nil
}

type memGroup struct {
	host   *memHost
	mu     sync.Mutex
	closed bool
	queue  chan discovery.Datagram
}

func (g *memGroup) source() netip.AddrPort { return netip.AddrPortFrom(g.host.addr, 50000) }

func (g *memGroup) Send(data []byte) error {
	g.host.net.mu.Lock()
	var all []*memHost
	for _, h := range g.host.net.hosts {
		all = append(all, h)
	}
	g.host.net.mu.Unlock()
	for _, h := range all {
		g.to(h, data)
	}
	return nil
}

func (g *memGroup) SendTo(data []byte, to netip.AddrPort) error {
	g.host.net.mu.Lock()
	h := g.host.net.hosts[to.Addr()]
	g.host.net.mu.Unlock()
	if h != nil {
		g.to(h, data)
	}
	return nil
}

func (g *memGroup) to(h *memHost, data []byte) {
	h.net.mu.Lock()
	group := h.group
	h.net.mu.Unlock()
	if group == nil || !g.host.net.reaches(g.host.addr, h.addr) {
		return
	}
	d := discovery.Datagram{Data: append([]byte(nil), data...), From: g.source()}
	later(g.host.net.latency(), func() {
		group.mu.Lock()
		defer group.mu.Unlock()
		if !group.closed {
			select {
			case group.queue <- d:
			default:
			}
		}
	})
}

func (g *memGroup) Receive() <-chan discovery.Datagram { return g.queue }
func (g *memGroup) Changes() <-chan struct{}           { return nil }

func (g *memGroup) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		close(g.queue)
	}
	return nil
}

type memListener struct {
	addr   netip.AddrPort
	queue  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// memConn is one end of a connection.
type memConn struct {
	net           *memNet
	local, remote netip.AddrPort
	in, out       *stream
}

func (m *memNet) pipe(a, b netip.AddrPort) (near, far *memConn) {
	ab, ba := newStream(m, a.Addr(), b.Addr()), newStream(m, b.Addr(), a.Addr())
	near = &memConn{net: m, local: a, remote: b, in: ba, out: ab}
	far = &memConn{net: m, local: b, remote: a, in: ab, out: ba}
	m.mu.Lock()
	m.conns = append(m.conns, near, far)
	m.mu.Unlock()
	return near, far
}

func (c *memConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memConn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *memConn) CloseWrite() error           { c.out.end(); return nil }
func (c *memConn) LocalAddr() net.Addr         { return net.TCPAddrFromAddrPort(c.local) }
func (c *memConn) RemoteAddr() net.Addr        { return net.TCPAddrFromAddrPort(c.remote) }

func (c *memConn) Close() error {
	c.out.end()
	c.in.fail(net.ErrClosed)
	return nil
}

func (c *memConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// streamBuffer is what a stream takes in before its writer waits: two socket buffers.
const streamBuffer = 256 << 10

// stream is one direction of a connection.
type stream struct {
	net      *memNet
	from, to netip.Addr

	mu              sync.Mutex
	cond            *sync.Cond
	chunks          []chunk
	size            int
	ended           bool
	err             error
	readBy, writeBy time.Time
	last            time.Time // when the newest chunk arrives: a stream keeps its order
}

type chunk struct {
	data []byte
	at   time.Time
}

func newStream(n *memNet, from, to netip.Addr) *stream {
	s := &stream{net: n, from: from, to: to}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func (s *stream) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cond.Broadcast()
}

func (s *stream) wakeAt(t time.Time) { later(time.Until(t), s.changed) }

// later calls f after d, in a goroutine of its own, and never at once: in a synctest bubble a timer that is due
// when it is set runs beside the bubble's other timers, in one race context with them, and the race detector
// crashes (Go 1.26).
func later(d time.Duration, f func()) { time.AfterFunc(max(d, time.Nanosecond), f) }

func (s *stream) setDeadline(which *time.Time, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*which = t
	s.cond.Broadcast()
	if !t.IsZero() {
		s.wakeAt(t)
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.cond.Broadcast()
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.chunks, s.size = nil, 0
	s.cond.Broadcast()
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.err != nil {
			return 0, s.err
		}
		if past(s.readBy) {
			return 0, os.ErrDeadlineExceeded
		}
		open := s.net.reaches(s.from, s.to)
		if open && len(s.chunks) > 0 && !s.chunks[0].at.After(time.Now()) {
			n := copy(p, s.chunks[0].data)
			if s.chunks[0].data = s.chunks[0].data[n:]; len(s.chunks[0].data) == 0 {
				s.chunks = s.chunks[1:]
			}
			s.size -= n
			s.cond.Broadcast()
			return n, nil
		}
		if open && s.ended && len(s.chunks) == 0 {
			return 0, io.EOF
		}
		s.cond.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.err != nil {
			return 0, syscall.EPIPE
		}
		if s.ended {
			return 0, net.ErrClosed
		}
		if past(s.writeBy) {
			return 0, os.ErrDeadlineExceeded
		}
		if s.size < streamBuffer {
			at := time.Now().Add(s.net.latency())
			if at.Before(s.last) {
				at = s.last
			}
			s.last = at
			s.chunks = append(s.chunks, chunk{append([]byte(nil), p...), at})
			s.size += len(p)
			s.wakeAt(at)
			return len(p), nil
		}
		s.cond.Wait()
	}
}
