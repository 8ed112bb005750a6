package overlay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// A talk is a conversation with one Overlay: say something, state what it should answer, with the
// expectation in words. What it does is written as lines: "dial b", "1 HELLO link", "1 WELCOME",
// "up 1 b", "down 1 b room", "hangup 1", "announce answer", "resolve". Peers have one-letter names;
// ours is m, so that a to l are lower and n to z are higher.
type talk struct {
	t    testing.TB
	o    *Overlay
	now  time.Time
	said []string
	seen []Event
	full bool // ROOT, PING, PONG, SHUFFLE and the announcements of news are told too
}

func newTalk(t testing.TB, opts ...option) *talk {
	cfg := Config{ID: id('m'), Name: "m", Port: 50000, Links: 1, Serve: 2, Started: epoch}
	for _, opt := range opts {
		opt(&cfg)
	}
	c := &talk{t: t, now: epoch}
	c.o = New(cfg, epoch, rand.New(rand.NewPCG(1, 2)))
	c.hear()
	return c
}

func sampled(c *Config) { c.Sample = func(wire.Context, wire.TraceID) bool { return true } }

func joining(c *Config) { c.Join = true }

func id(name byte) wire.ID { return wire.ID(strings.Repeat(fmt.Sprintf("%02x", name), 16)) }

func name(i wire.ID) string {
	var b byte
	if i == "" {
		return "-"
	}
	fmt.Sscanf(string(i[:2]), "%02x", &b)
	return string(b)
}

// host is where a peer listens.
func host(name byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, name}), 50000)
}

func hostName(a netip.AddrPort) string { return string(a.Addr().As4()[3]) }

// hear notes what the core does.
func (c *talk) hear() {
	for _, e := range c.o.Effects() {
		switch e.Action {
		case Dial:
			c.say("dial %s", hostName(e.Addr))
		case Send:
			var f wire.Frame
			if n, err := wire.Decode(e.Frame, &f); err != nil || n != len(e.Frame) {
				c.t.Fatalf("sends what cannot be read: %q: %v", e.Frame, err)
			}
			if text := frameText(&f); c.full || !slices.Contains([]wire.Verb{wire.VerbPing, wire.VerbPong, wire.VerbRoot, wire.VerbShuffle}, f.Verb) {
				c.say("%d %s", e.Conn, text)
			}
		case Hangup:
			c.say("hangup %d", e.Conn)
		case Up:
			c.say("up %d %s", e.Conn, name(e.Link.ID))
		case Down:
			c.say("down %d %s %s", e.Conn, name(e.Link.ID), e.Reason)
		case Announce:
			if e.Addr.IsValid() {
				c.say("announce %s to %s", e.Why, hostName(e.Addr))
			} else if c.full {
				c.say("announce %s", e.Why)
			}
		case Inconsistent:
			if c.full {
				c.say("inconsistent")
			}
		case Resolve:
			c.say("resolve")
		}
	}
	c.seen = append(c.seen, c.o.Events()...)
}

func (c *talk) say(format string, args ...any) { c.said = append(c.said, fmt.Sprintf(format, args...)) }

func frameText(f *wire.Frame) string {
	names := func(list []wire.Candidate) string {
		var s []string
		for _, k := range list {
			s = append(s, name(k.ID))
		}
		return strings.Join(s, "")
	}
	switch v := f.Control.(type) {
	case *wire.Hello:
		return fmt.Sprintf("HELLO %s", v.Purpose)
	case *wire.Refer:
		return strings.TrimSpace(fmt.Sprintf("REFER %s %s", v.Reason, names(v.Candidates)))
	case *wire.Close:
		return fmt.Sprintf("CLOSE %s", v.Reason)
	case *wire.Root:
		return fmt.Sprintf("ROOT %s %d", name(v.ID), v.Seq)
	case *wire.Shuffle:
		return strings.TrimSpace(fmt.Sprintf("SHUFFLE %d %s", v.TTL, names(v.Candidates)))
	case *wire.ShuffleReply:
		return strings.TrimSpace(fmt.Sprintf("SHUFFLEREPLY %s", names(v.Candidates)))
	}
	return f.Verb.String()
}

// want states what the core did since it was last asked.
func (c *talk) want(why string, lines ...string) {
	c.t.Helper()
	if !slices.Equal(c.said, lines) {
		c.t.Fatalf("%s:\n got %q\nwant %q", why, c.said, lines)
	}
	c.said = nil
}

// wantAmong states one thing that it did, or how that begins, whatever else.
func (c *talk) wantAmong(why, line string) {
	c.t.Helper()
	if !slices.ContainsFunc(c.said, func(s string) bool { return strings.HasPrefix(s, line) }) {
		c.t.Fatalf("%s:\n got %q\nwant %q among them", why, c.said, line)
	}
	c.said = nil
}

func (c *talk) wantNot(why, part string) {
	c.t.Helper()
	for _, s := range c.said {
		if strings.Contains(s, part) {
			c.t.Fatalf("%s:\n got %q\nwant no %q", why, c.said, part)
		}
	}
	c.said = nil
}

// event returns the last event of a kind.
func (c *talk) event(kind EventKind) Event {
	c.t.Helper()
	for _, e := range slices.Backward(c.seen) {
		if e.Kind == kind {
			return e
		}
	}
	c.t.Fatalf("no event of kind %d among %v", kind, c.seen)
	return Event{}
}

// pass lets time pass, with Advance at every deadline.
func (c *talk) pass(d time.Duration) {
	end := c.now.Add(d)
	for {
		at := c.o.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(c.now) {
			c.now = at
		}
		c.o.Advance(c.now)
		c.hear()
	}
	c.now = end
}

// alive lets time pass while the given links say something each second.
func (c *talk) alive(d time.Duration, conns ...wire.Conn) {
	for ; d > 0; d -= time.Second {
		for _, conn := range conns {
			c.o.Alive(c.now, conn)
		}
		c.pass(min(d, time.Second))
	}
}

func (c *talk) accept(from byte) wire.Conn {
	conn := c.o.Accepted(c.now, netip.AddrPortFrom(host(from).Addr(), 33333))
	c.hear()
	return conn
}

func (c *talk) opened(conn wire.Conn, addr byte) {
	c.o.Opened(c.now, conn, host(addr))
	c.hear()
}

func (c *talk) closed(conn wire.Conn, reason wire.Reason) {
	c.o.Closed(c.now, conn, reason)
	c.hear()
}

// says takes a frame as from the wire.
func (c *talk) says(conn wire.Conn, frame []byte) bool {
	var f wire.Frame
	if _, err := wire.Decode(frame, &f); err != nil {
		c.t.Fatal(err)
	}
	c.o.Alive(c.now, conn)
	ok := c.o.Receive(c.now, conn, &f)
	c.hear()
	return ok
}

type helloOption func(*wire.Hello)

func with(s wire.Slots) helloOption       { return func(h *wire.Hello) { h.Slots = s } }
func purpose(p wire.Purpose) helloOption  { return func(h *wire.Hello) { h.Purpose = p } }
func traced(ctx wire.Context) helloOption { return func(h *wire.Hello) { h.Context = ctx } }
func rooted(r byte, seq uint64) helloOption {
	return func(h *wire.Hello) { h.Root, h.RootSeq = id(r), seq }
}

func hello(from byte, opts ...helloOption) []byte {
	h := wire.Hello{Version: wire.Version, ID: id(from), Name: string(from), Port: 50000, Slots: wire.Slots{Out: 1, Links: 1, In: 1, Serve: 2}}
	for _, opt := range opts {
		opt(&h)
	}
	return wire.AppendHello(nil, h)
}

var welcome = wire.AppendWelcome(nil)

func closing(r wire.Reason) []byte { return wire.AppendClose(nil, wire.Close{Reason: r}) }

func refer(r wire.Reason, names ...byte) []byte {
	return wire.AppendRefer(nil, wire.Refer{Reason: r, Candidates: candidates(names...)})
}

func candidates(names ...byte) (list []wire.Candidate) {
	for _, n := range names {
		list = append(list, wire.Candidate{ID: id(n), Name: string(n), Addr: host(n), Free: 1})
	}
	return list
}

func beacon(r byte, seq uint64) []byte { return wire.AppendRoot(nil, wire.Root{ID: id(r), Seq: seq}) }

// announced hears a peer's announcement; it is settled, with a free slot, unless changed.
func (c *talk) announced(from byte, change ...func(*wire.Announcement)) bool {
	a := wire.Announcement{ID: id(from), Name: string(from), Port: 50000, Slots: wire.Slots{Out: 1, Links: 1, In: 1, Serve: 2}}
	for _, f := range change {
		f(&a)
	}
	ok := c.o.Heard(c.now, host(from), &a)
	c.hear()
	return ok
}

// dials makes an outgoing link to a peer, from its announcement on.
func (c *talk) dials(to byte, conn wire.Conn, opts ...helloOption) {
	c.t.Helper()
	c.announced(to)
	c.opened(conn, to)
	c.says(conn, hello(to, opts...))
	c.says(conn, welcome)
	if !c.o.Linked(conn) {
		c.t.Fatalf("no link to %c: %q", to, c.said)
	}
	c.said = nil
}

// serves makes an incoming link from a peer that is vouched for.
func (c *talk) serves(from byte, opts ...helloOption) wire.Conn {
	c.t.Helper()
	c.o.trust.good.add(id(from), host(from), c.now.Add(vouchedFor))
	conn := c.accept(from)
	c.says(conn, hello(from, opts...))
	if !c.o.Linked(conn) {
		c.t.Fatalf("no link from %c: %q", from, c.said)
	}
	c.said = nil
	return conn
}

// dialling returns the dial under way with a purpose: zero if there is none, or none that fits.
func (c *talk) dialling(fits func(*conn) bool) wire.Conn {
	for _, k := range c.o.order {
		if k.out && k.state == dialling && fits(k) {
			return k.id
		}
	}
	return 0
}

func anyDial(*conn) bool      { return true }
func isBridge(k *conn) bool   { return k.purpose == wire.PurposeBridge }
func isProbe(k *conn) bool    { return k.purpose == wire.PurposeProbe }
func isRotation(k *conn) bool { return k.spares != 0 }

// await lets time pass until there is a dial that fits, while the given links live.
func (c *talk) await(d time.Duration, fits func(*conn) bool, conns ...wire.Conn) wire.Conn {
	for end := c.now.Add(d); c.now.Before(end); {
		for _, conn := range conns {
			c.o.Alive(c.now, conn)
		}
		c.pass(5 * time.Millisecond)
		if conn := c.dialling(fits); conn != 0 {
			c.said = nil
			return conn
		}
	}
	return 0
}
