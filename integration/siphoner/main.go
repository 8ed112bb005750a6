// Command siphoner is a peer that takes and does not give. It dials everybody it hears of and takes every
// link that it can get; it answers pings, so that a link stays, and relays nothing. It comes in two kinds:
//
//	siphoner absent    boasts of free slots at a port where nobody listens
//	siphoner stingy    can be dialled, but serves no one, and says so
//
// It learns of peers by their announcements and referrals, and tells on standard output, a line each time, whom
// it is linked to and who turned it away.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"hearsay/peer/wire"
)

// greed is how many links it says it wants.
const greed = 255

func main() {
	if len(os.Args) != 2 || os.Args[1] != "absent" && os.Args[1] != "stingy" {
		fmt.Fprintln(os.Stderr, "usage: siphoner absent|stingy")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "siphoner:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	s := &siphoner{
		self:  wire.Hello{Version: wire.Version, ID: wire.NewID(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))), Name: host, Port: wire.MinPort},
		known: map[netip.AddrPort]bool{},
	}
	s.self.Slots.Links = greed
	switch kind {
	case "absent":
		s.self.Slots.Serve = greed
	case "stingy":
		l, err := net.Listen("tcp4", fmt.Sprintf(":%d", s.self.Port))
		if err != nil {
			return err
		}
		go s.turnAway(l)
	}
	fmt.Println("id", s.self.ID)
	return s.multicast(ctx)
}

type siphoner struct {
	self wire.Hello

	mu    sync.Mutex
	held  int
	known map[netip.AddrPort]bool // each has a goroutine that drains it
}

// hello is what it says of itself. That it has no link yet is a lie, which earns an honest newcomer priority.
func (s *siphoner) hello(p wire.Purpose) []byte {
	h := s.self
	h.Uptime = time.Second
	h.Purpose = p
	return wire.AppendHello(nil, h)
}

// learn begins to drain a peer.
func (s *siphoner) learn(ctx context.Context, addr netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known[addr] {
		s.known[addr] = true
		go s.drain(ctx, addr)
	}
}

// drain dials a peer for ever.
func (s *siphoner) drain(ctx context.Context, addr netip.AddrPort) {
	for ctx.Err() == nil {
		if c, err := net.DialTimeout("tcp4", addr.String(), time.Second); err == nil {
			s.link(ctx, c)
			c.Close()
		}
		select {
		case <-time.After(200*time.Millisecond + rand.N(100*time.Millisecond)):
		case <-ctx.Done():
		}
	}
}

// link asks for a link and holds it for as long as it lasts.
func (s *siphoner) link(ctx context.Context, c net.Conn) {
	if _, err := c.Write(s.hello(wire.PurposeUrgent)); err != nil {
		return
	}
	var far string
	linked := false
	s.read(c, func(f *wire.Frame) bool {
		switch f.Verb {
		case wire.VerbHello:
			far = f.Control.(*wire.Hello).Name
			if f.Control.(*wire.Hello).ID == s.self.ID {
				return false
			}
		case wire.VerbWelcome:
			linked = true
			fmt.Println("linked to", far, s.count(1))
			c.Write(wire.AppendHave(nil, wire.Have{}))
		case wire.VerbPing:
			c.Write(wire.AppendPong(nil, wire.Pong{Nonce: f.Control.(*wire.Ping).Nonce}))
		case wire.VerbRefer:
			r := f.Control.(*wire.Refer)
			for _, other := range r.Candidates {
				s.learn(ctx, other.Addr)
			}
			fmt.Println("turned away by", far, r.Reason)
		case wire.VerbClose:
			fmt.Println("turned away by", far, f.Control.(*wire.Close).Reason)
		}
		return true
	})
	if linked {
		fmt.Println("lost", far, s.count(-1))
	}
}

func (s *siphoner) count(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
	return s.held
}

// turnAway answers whoever dials: it is there, and has no slot for anybody.
func (s *siphoner) turnAway(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			s.read(c, func(f *wire.Frame) bool {
				if h, ok := f.Control.(*wire.Hello); ok {
					c.Write(append(s.hello(h.Purpose), wire.AppendRefer(nil, wire.Refer{Reason: wire.ReasonFull})...))
					return false
				}
				return true
			})
		}()
	}
}

// read reads frames until the connection ends, or is silent for long, or on says that it is enough.
func (s *siphoner) read(c net.Conn, on func(*wire.Frame) bool) {
	buf := make([]byte, 0, wire.MaxFrame)
	for {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := c.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		for {
			var f wire.Frame
			n, err := wire.Decode(buf, &f)
			if err != nil || n > 0 && !on(&f) {
				return
			}
			if n == 0 {
				break
			}
			buf = buf[:copy(buf, buf[n:])]
		}
	}
}
