package plumtree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// talk is a conversation with one Tree: say something, and state what it should answer, in words. Its
// neighbors are the links 1, 2, 3, ..., and other origins are called a, b, c, ....
type talk struct {
	t    *testing.T
	tree *Tree
	now  time.Time
	said []string // answers not yet asked for

	delivered []Delivery
	events    []Event
}

func newTalk(t *testing.T, links int, change ...func(*Config)) *talk {
	cfg := Config{Self: letter('s'), Name: "self", Started: time.Unix(1e9, 0), Retain: 10 * time.Minute, RetainBytes: 1 << 20}
	for _, f := range change {
		f(&cfg)
	}
	c := &talk{t: t, tree: New(cfg, rand.New(rand.NewPCG(1, 2))), now: cfg.Started.Add(time.Minute)}
	for i := range links {
		c.up(i + 1)
		c.want("a link begins with a version vector", fmt.Sprintf("%d HAVE last", i+1))
	}
	return c
}

// letter is the origin that is called by a letter.
func letter(c byte) wire.Origin {
	return wire.NewOrigin(wire.ID(strings.Repeat(fmt.Sprintf("%02x", c), wire.IDLen/2)), 1)
}

func (c *talk) up(link int) { c.upFor(link, time.Hour) }

func (c *talk) upFor(link int, uptime time.Duration) {
	c.tree.LinkUp(c.now, wire.Conn(link), uptime)
	c.hear()
}

func (c *talk) down(link int) {
	c.tree.LinkDown(c.now, wire.Conn(link))
	c.hear()
}

func (c *talk) full(link int, full bool) {
	c.tree.Full(c.now, wire.Conn(link), full)
	c.hear()
}

// wait lets time pass, with all that becomes due meanwhile.
func (c *talk) wait(d time.Duration) {
	end := c.now.Add(d)
	for {
		next := c.tree.Deadline()
		if next.IsZero() || next.After(end) {
			c.now = end
			return
		}
		if next.After(c.now) {
			c.now = next
		}
		c.tree.Advance(c.now)
		c.hear()
	}
}

func (c *talk) frame(link int, f *wire.Frame) {
	c.t.Helper()
	if reason := c.tree.Receive(c.now, wire.Conn(link), f, c.now); reason != "" {
		c.said = append(c.said, "break "+string(reason))
	}
	c.hear()
}

// msg sends message seq of an origin on a link, from age ago. The body names it.
func (c *talk) msg(link int, origin byte, seq uint64, age time.Duration) {
	c.t.Helper()
	c.msgLow(link, origin, seq, 1, age)
}

func (c *talk) msgLow(link int, origin byte, seq, low uint64, age time.Duration) {
	c.t.Helper()
	c.bytes(link, message(origin, seq, low, age, 1))
}

// msgOver is msg for one that has come over a number of links.
func (c *talk) msgOver(hops, link int, origin byte, seq uint64) {
	c.t.Helper()
	c.bytes(link, message(origin, seq, 1, 0, hops))
}

func message(origin byte, seq, low uint64, age time.Duration, hops int) []byte {
	b := wire.AppendMsgHead(nil, age, hops, wire.SpanID{})
	return wire.AppendMsgTail(b, letter(origin), seq, low, "peer-"+string(origin), wire.NewContext(rand.New(rand.NewPCG(seq, 1)), false), fmt.Appendf(nil, "%c%d", origin, seq))
}

// say sends a frame as it looks on the wire; $a is origin a.
func (c *talk) say(link int, line string) {
	c.t.Helper()
	c.bytes(link, []byte(spell(line)+"\n"))
}

func spell(line string) string {
	for o := byte('a'); o <= 'z'; o++ {
		line = strings.ReplaceAll(line, "$"+string(o), string(letter(o)))
	}
	return line
}

func (c *talk) bytes(link int, b []byte) {
	c.t.Helper()
	var f wire.Frame
	if n, err := wire.Decode(b, &f); n != len(b) || err != nil {
		c.t.Fatalf("%q: %v", b, err)
	}
	c.frame(link, &f)
}

func (c *talk) publish(body string) error {
	_, _, err := c.tree.Publish(c.now, []byte(body), wire.Context{})
	c.hear()
	return err
}

// hear takes the effects, and checks that nothing is handed out twice.
func (c *talk) hear() {
	for {
		e := c.tree.Effects()
		if len(e.Sends)+len(e.Deliveries)+len(e.Events) == 0 {
			return
		}
		conns := map[wire.Conn][]byte{}
		for _, s := range e.Sends {
			if c.tree.link(s.Conn) == nil {
				c.t.Fatalf("sent on %d, which is down", s.Conn)
			}
			conns[s.Conn] = append(conns[s.Conn], s.Frame...)
		}
		for _, s := range e.Sends { // a frame may be sent in two pieces
			b := conns[s.Conn]
			delete(conns, s.Conn)
			for len(b) > 0 {
				var f wire.Frame
				n, err := wire.Decode(b, &f)
				if err != nil || n == 0 {
					c.t.Fatalf("sent %q on %d: %v", b, s.Conn, err)
				}
				c.said = append(c.said, fmt.Sprintf("%d %s", s.Conn, tell(&f, b[:n])))
				b = b[n:]
			}
		}
		for _, d := range e.Deliveries {
			c.said = append(c.said, fmt.Sprintf("deliver %s", d.Body))
			c.delivered = append(c.delivered, d)
		}
		c.events = append(c.events, e.Events...)
		for _, v := range e.Events {
			if v.Kind == Lost {
				c.said = append(c.said, spoken(fmt.Sprintf("lost %s.%d-%d", v.Origin, v.From, v.Seq)))
			}
			if v.Kind == CaughtUp {
				c.said = append(c.said, fmt.Sprintf("caught up %d %d/%d", v.Conn, v.Got, v.Asked))
			}
		}
	}
}

// tell puts a frame in words.
func tell(f *wire.Frame, b []byte) string {
	if f.Verb == wire.VerbMsg {
		return fmt.Sprintf("MSG %s", f.Msg.Body)
	}
	return spoken(string(bytes.TrimSuffix(b, []byte("\n"))))
}

func spoken(s string) string {
	for o := byte('a'); o <= 'z'; o++ {
		s = strings.ReplaceAll(s, string(letter(o)), "$"+string(o))
	}
	return s
}

// want states what it should have answered since the last want, in whatever order. GRAFT and WANT are
// given without the uptime.
func (c *talk) want(why string, answers ...string) {
	c.t.Helper()
	got := slices.Clone(c.said)
	c.said = nil
	for i, s := range got {
		if w := strings.Fields(s); len(w) > 2 && (w[1] == "GRAFT" || w[1] == "WANT") {
			got[i] = strings.Join(slices.Delete(w, 2, 3), " ")
		}
	}
	want := slices.Clone(answers)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Fatalf("%s:\n got %q\nwant %q", why, got, want)
	}
}

func (c *talk) wantIdle(why string) {
	c.t.Helper()
	c.want(why)
}

func (c *talk) wantError(why string, got, want error) {
	c.t.Helper()
	if got != want {
		c.t.Fatalf("%s: got %v, want %v", why, got, want)
	}
}
