// Package control is how a running lab is told what to do: an HTTP API for this machine, on the same port as the page, its
// client, and the note by which a command in another shell finds it.
//
//	GET  /api/peers               who there is: a list of PeerInfo
//	GET  /api/status              Status: peers, links, parts, figures
//	GET  /api/peers/3/status      what a peer says of itself: node.Status
//	GET  /api/explain?message=ID  who told whom: watch.Account
//	POST /api/send                SendRequest → Sent
//	POST /api/fault               FaultRequest → Outcome
//	POST /api/down                ends the lab; the answer's end is that of the lab
//
// An error is {"error":"…","exit":2}, with the code that a command ends with. A POST is JSON and carries the lab's token
// in X-Lab-Token: other users of this machine cannot read it, nor can a page of elsewhere.
package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

const (
	// DefaultPort is where a lab is looked for first, and portsTried how many after it are tried where that is taken.
	DefaultPort = 7700
	portsTried  = 100
	// maxClients bounds connections; further ones wait in the kernel. A page has six at most.
	maxClients = 256
	// closeFor is how long requests under way may take when the lab ends.
	closeFor = time.Second
)

// Config says what is controlled, and where.
type Config struct {
	Fleet fleet.Fleet
	Watch *watch.Watch
	// Name is what the lab is called where there are several. Empty means its port.
	Name string
	// Listen is the address at which it is served: 127.0.0.1 if it is the zero value, or 0.0.0.0, for a container that
	// publishes the port. Beyond loopback nobody is served but the machine whose container this is.
	Listen netip.Addr
	// Port is where it is served. Zero means DefaultPort, or the next that is free.
	Port int
	// ReadOnly refuses every POST, and Why says why. It may be empty.
	ReadOnly bool
	Why      string
	// Said is told, in a sentence, of each thing that was done and how the mesh took it. It may be nil.
	Said func(text string)
	// Log is told of what goes wrong. Nil is nobody.
	Log *slog.Logger
}

// Server serves one lab.
type Server struct {
	cfg   Config
	token string
	began time.Time
	l     net.Listener
	mux   *http.ServeMux
	http  http.Server
	note  func()
	gates func() []netip.Addr // whoever else is this machine

	ctx    context.Context // of what goes on after its request has been answered
	cancel context.CancelFunc
	work   sync.WaitGroup
	down   chan struct{}
	once   sync.Once
	churns churns

	mu      sync.Mutex
	waiting []net.Conn // of those who had the lab end, and wait for its end
}

// New listens. Serve begins to answer: until then, more can be added to Mux.
func New(cfg Config) (*Server, error) {
	if !cfg.Listen.IsValid() {
		cfg.Listen = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if !cfg.Listen.IsLoopback() && !cfg.Listen.IsUnspecified() {
		return nil, fmt.Errorf("a lab is served on loopback, or in a container on 0.0.0.0, and not on %v", cfg.Listen)
	}
	l, err := listen(cfg.Listen, cfg.Port)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, token: rand.Text(), began: time.Now(), l: l, mux: http.NewServeMux(), down: make(chan struct{}), gates: gateways}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if cfg.Name == "" {
		s.cfg.Name = strconv.Itoa(s.Port())
	}
	s.routes()
	return s, nil
}

// listen takes the port, or the next free one where none was asked for.
func listen(addr netip.Addr, port int) (net.Listener, error) {
	if port != 0 {
		l, err := net.Listen("tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port)))
		if err != nil {
			return nil, fmt.Errorf("port %d of %v is taken (%w): choose another with --port, or leave it out for the next free one", port, addr, unwrap(err))
		}
		return l, nil
	}
	for p := DefaultPort; p < DefaultPort+portsTried; p++ {
		l, err := net.Listen("tcp", net.JoinHostPort(addr.String(), strconv.Itoa(p)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("every port from %d to %d is taken: choose another with --port", DefaultPort, DefaultPort+portsTried-1)
}

// unwrap is the system's word for what went wrong with a socket.
func unwrap(err error) error {
	if op, ok := errors.AsType[*os.SyscallError](err); ok {
		return op.Err
	}
	return err
}

// Port is where the lab is served.
func (s *Server) Port() int { return s.l.Addr().(*net.TCPAddr).Port }

// URL is the page's address.
func (s *Server) URL() string { return "http://" + s.addr() + "/" }

// addr is where this machine reaches the lab.
func (s *Server) addr() string {
	if s.cfg.Listen.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port()))
	}
	return s.l.Addr().String()
}

// Name is what the lab is called where there are several.
func (s *Server) Name() string { return s.cfg.Name }

// Token is what a POST must carry.
func (s *Server) Token() string { return s.token }

// Mux is where the page adds its own handlers, before Serve. They are guarded as all are.
func (s *Server) Mux() *http.ServeMux { return s.mux }

// Down is closed when somebody has asked the lab to end.
func (s *Server) Down() <-chan struct{} { return s.down }

// Serve answers requests until Close, and leaves the note by which the lab is found.
func (s *Server) Serve() {
	s.http = http.Server{
		Handler: s.guard(s.mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	s.note = leaveNote(Note{Name: s.cfg.Name, Addr: s.addr(), Token: s.token, Engine: s.cfg.Fleet.Engine(), PID: os.Getpid()})
	s.work.Go(func() { s.http.Serve(netutil.LimitListener(s.l, maxClients)) })
}

// Close ends what is under way, and returns when nothing is left of it.
func (s *Server) Close() {
	s.cancel()
	if s.note != nil {
		s.note()
		ctx, cancel := context.WithTimeout(context.Background(), closeFor)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close()
		}
	}
	s.l.Close()
	s.work.Wait()
}

func (s *Server) say(text string) {
	if s.cfg.Said != nil && text != "" {
		s.cfg.Said(text)
	}
}
