package hook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/node"
	"hearsay/peer/wire"
)

const (
	// beginWithin is how long a lab may take to let a peer begin.
	beginWithin = 30 * time.Second
	// publishFor is how long a publication waits for neighbors that cannot take more.
	publishFor = 10 * time.Second
	// maxRequests is how many requests may be under way; the next are not read before one is done.
	maxRequests = 64
	// maxRequest is the longest line from the lab: the longest text in base64, or rules about a thousand peers.
	maxRequest = 256 << 10
)

// Session is a peer's side of its lab.
type Session struct {
	self    Hello
	out     *writer
	network network

	siphoner atomic.Bool
	going    chan struct{} // closed when the lab says go
	goOnce   sync.Once
	serving  chan struct{} // closed when the node has begun
	end      chan struct{} // closed when the lab has gone
	node     atomic.Pointer[node.Node]
}

// Open begins a session with the lab that reads out and writes in. Self is what the lab is told of the peer, but for
// its address, which is known once it listens.
func Open(self Hello, in io.Reader, out io.Writer) *Session {
	s := &Session{
		self: self, out: newWriter(out), going: make(chan struct{}), serving: make(chan struct{}), end: make(chan struct{}),
	}
	s.self.PID = os.Getpid()
	s.network.session = s
	s.network.law.init()
	s.network.heard.init()
	go s.read(in)
	return s
}

// Network is real under the lab's rules.
func (s *Session) Network(real node.Network) node.Network {
	s.network.Network = real
	return &s.network
}

// Tell is a node.Config's Watch.
func (s *Session) Tell(e node.Event) { s.out.event(e) }

// Serve lets the lab publish at n, which has begun, and ask how it does.
func (s *Session) Serve(n *node.Node) {
	s.node.Store(n)
	close(s.serving)
}

// End is closed when the lab has gone.
func (s *Session) End() <-chan struct{} { return s.end }

// Close tells the lab what is still to be told, within the given time.
func (s *Session) Close(within time.Duration) { s.out.close(within) }

// begin says hello and waits for go.
func (s *Session) begin(addr string) error {
	s.self.Addr = addr
	s.out.line(Line{Hello: &s.self})
	select {
	case <-s.going:
		return nil
	case <-s.end:
		return errors.New("the lab has gone")
	case <-time.After(beginWithin):
		return fmt.Errorf("the lab has not let this peer begin within %v", beginWithin)
	}
}

// read obeys the lab until it has gone.
func (s *Session) read(in io.Reader) {
	defer close(s.end)
	obey(in, s.out, s.do)
}

// obey does what a lab asks for until it has gone. What may take time is done beside the rest.
func obey(in io.Reader, out *writer, do func(*Request, *Reply) error) {
	busy := make(chan struct{}, maxRequests)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 4<<10), maxRequest)
	for lines.Scan() {
		var r Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			out.line(Line{Reply: &Reply{Error: "no request: " + err.Error()}})
			continue
		}
		busy <- struct{}{}
		one := func() {
			defer func() { <-busy }()
			reply := &Reply{ID: r.ID}
			if err := do(&r, reply); err != nil {
				reply.Error = err.Error()
			}
			out.line(Line{Reply: reply})
		}
		switch r.Do {
		case DoGo, DoHeard, DoDial, DoPublish, DoStatus:
			go one()
		default:
			one()
		}
	}
}

func (s *Session) do(r *Request, reply *Reply) error {
	switch r.Do {
	case DoGo, DoRules:
		if r.Rules != nil {
			if err := s.network.law.set(*r.Rules); err != nil {
				return err
			}
		}
		if r.Do == DoGo {
			s.siphoner.Store(r.Siphoner)
			s.goOnce.Do(func() { close(s.going) })
			select {
			case <-s.serving:
			case <-s.end:
			}
		}
		reply.Stopped = s.network.law.stopped()
		return nil
	case DoDial:
		return s.dial(r)
	}
	n := s.node.Load()
	if n == nil {
		return errors.New("the peer has not begun yet")
	}
	switch r.Do {
	case DoProbe:
		if s.network.group == nil {
			return errors.New("multicast is switched off")
		}
		return s.network.group.probe(r.Token, n.Addr().Port())
	case DoHeard:
		reply.Heard = s.network.heard.wait(r.Token, r.From, r.Patience, s.end)
		return nil
	case DoPublish:
		return publish(n, r, reply)
	case DoStatus:
		ctx, cancel := context.WithTimeout(context.Background(), publishFor)
		defer cancel()
		st, err := n.Status(ctx)
		if err != nil {
			return err
		}
		reply.Status, err = json.Marshal(st)
		return err
	}
	return fmt.Errorf("unknown request %q", r.Do)
}

func (s *Session) dial(r *Request) error {
	addr, err := netip.ParseAddrPort(r.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.Patience)
	defer cancel()
	c, err := s.network.Dial(ctx, addr)
	if err != nil {
		return err
	}
	return c.Close()
}

func publish(n *node.Node, r *Request, reply *Reply) error {
	ctx, cancel := context.WithTimeout(context.Background(), publishFor)
	defer cancel()
	if parent, err := wire.ParseContext(r.Traceparent); err == nil {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID(parent.Trace), SpanID: trace.SpanID(parent.Span),
			TraceFlags: trace.TraceFlags(0).WithSampled(parent.Sampled), Remote: true,
		}))
	}
	receipt, err := n.Publish(ctx, r.Text)
	if err != nil {
		return err
	}
	reply.Published = &Published{ID: receipt.ID, TraceID: receipt.TraceID, Seq: receipt.Seq}
	return nil
}
