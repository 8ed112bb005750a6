package plumtree

import (
	"math/rand/v2"
	"testing"
	"time"

	"hearsay/peer/wire"

	"pgregory.net/rapid"
)

// TestLies has a neighbor claim the impossible. It must neither take long nor take memory.
func TestLies(t *testing.T) {
	const all = "9223372036854775807"
	for _, lines := range [][]string{
		{"IHAVE $a." + all, "GONE lost $a.1-" + all},
		{"HAVE last $a." + all, "GONE old $a.1-" + all, "IHAVE $a." + all},
		{"WANT 0 $s.1-" + all, "GRAFT 999999999999 $s.1-" + all + " $a.1-" + all},
		{"GRAFT 999999999999 $s.2-" + all},
		{"GONE lost $s.1-" + all, "GONE old $s.1-" + all, "GONE old $z.1-" + all},
		{"IHAVE $s." + all, "HAVE last $s.5", "HAVE more"},
		{"HAVE last $a.9", "GONE old $a.1-" + all, "GONE old $a.5-" + all},
	} {
		c := newTalk(t, 2)
		c.publish("hello")
		for _, line := range lines {
			c.say(1, line)
			c.wait(time.Second)
		}
		c.said = nil
		if c.publish("still here"); len(c.said) == 0 {
			t.Errorf("%q: no longer publishes", lines)
		}
		if s := c.tree.Stats(); s.Published != 2 || s.Origins > 3 {
			t.Errorf("%q: got %+v", lines, s)
		}
	}
}

func TestLyingMessages(t *testing.T) {
	c := newTalk(t, 2)
	c.publish("hello")
	c.said = nil
	c.msg(1, 's', 5, 0)
	c.wantIdle("a message under our own name that we never sent is ignored")
	if s := c.tree.Stats(); s.Limits["forged"] != 1 {
		t.Fatalf("got %+v, want it counted", s)
	}
	c.msg(1, 's', 1, 0)
	c.want("an echo is a duplicate", "1 PRUNE")
	c.msgLow(1, 'a', wire.MaxSeq, wire.MaxSeq, 0)
	c.want("the last number of all", "deliver a9223372036854775807", "2 MSG a9223372036854775807")
	c.msg(1, 'b', wire.MaxSeq, 0)
	c.wait(20 * time.Millisecond)
	c.want("a gap is a gap", "1 GRAFT $b.1-9223372036854775806")
	c.say(1, "GONE lost $b.1-9223372036854775806")
	c.want("whatever its size", "lost $b.1-9223372036854775806", "deliver b9223372036854775807", "2 MSG b9223372036854775807")
	for _, m := range []wire.Msg{{Seq: 0, Low: 1}, {Seq: 5, Low: 6}, {Seq: 5, Low: 0}, {Seq: 1 << 63, Low: 1}} {
		m.Origin = []byte(letter('c'))
		c.frame(1, &wire.Frame{Verb: wire.VerbMsg, Msg: m})
		c.want("no decoder lets that pass", "break malformed-frame")
	}
	c.frame(1, &wire.Frame{Verb: wire.VerbWant, Control: &wire.Want{Ranges: []wire.Range{{Origin: letter('s'), First: 2, Last: 1}}}})
	c.want("nor that", "break malformed-frame")
	c.frame(1, &wire.Frame{Verb: wire.VerbPing, Control: &wire.Ping{}})
	c.want("nor is that ours", "break malformed-frame")
	c.frame(7, &wire.Frame{Verb: wire.VerbPrune})
	c.wantIdle("a link that is not up has nothing to say")
}

func TestTooManyOrigins(t *testing.T) {
	c := newTalk(t, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	for range maxOrigins + 10 {
		c.frame(1, &wire.Frame{Verb: wire.VerbIHave, Control: &wire.IHave{Marks: []wire.Mark{{Origin: wire.NewOrigin(wire.NewID(rng), 1), Seq: 1}}}})
	}
	c.said = nil
	s := c.tree.Stats()
	if s.Origins != maxOrigins || s.Limits["origins"] != 11 {
		t.Fatalf("got %+v, want the table full, and eleven turned away", s)
	}
	c.msg(1, 'a', 1, 0)
	if s := c.tree.Stats(); s.Dropped["origins-full"] != 1 {
		t.Fatalf("got %+v, want the message dropped", s)
	}
	c.down(1)
	c.wait(21 * time.Minute) // first the gaps are given up
	c.up(1)
	c.said = nil
	c.msg(1, 'a', 1, 0)
	c.want("there is room again once they are silent", "deliver a1")
}

func TestTooManyLinks(t *testing.T) {
	c := newTalk(t, 0)
	for i := range maxLinks + 1 {
		c.up(i + 1)
	}
	c.said = nil
	c.msg(maxLinks+1, 'a', 1, 0)
	c.down(maxLinks + 1)
	c.wantIdle("one link too many is ignored")
	if s := c.tree.Stats(); s.Limits["links"] != 1 {
		t.Fatalf("got %+v, want it counted", s)
	}
}

// TestNonsense has neighbors say anything that parses, in any order. The tree must not panic, fall into a
// loop, send on a link that is down, or deliver out of order or twice.
func TestNonsense(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newTalk(t, 3, func(c *Config) {
			c.Retain = 5 * time.Minute
			c.RetainBytes = 20000
			c.History = rapid.Bool().Draw(r, "history")
		})
		up := []bool{true, true, true}
		last := map[wire.Origin]uint64{}
		seq := rapid.OneOf(rapid.Uint64Range(1, 12), rapid.Uint64Range(1, 12), rapid.Uint64Range(1, wire.MaxSeq))
		age := rapid.SampledFrom([]time.Duration{0, time.Second, 50 * time.Second, 2 * time.Minute, 10 * time.Minute, wire.MaxTime})
		origin := func() wire.Origin { return letter(rapid.SampledFrom([]byte("aabbcs")).Draw(r, "origin")) }
		marks := func() (list []wire.Mark) {
			for range rapid.IntRange(0, 3).Draw(r, "marks") {
				list = append(list, wire.Mark{Origin: origin(), Seq: seq.Draw(r, "seq")})
			}
			return list
		}
		one := func() wire.Range {
			a, b := seq.Draw(r, "first"), seq.Draw(r, "last")
			return wire.Range{Origin: origin(), First: min(a, b), Last: max(a, b)}
		}
		ranges := func() (list []wire.Range) {
			for range rapid.IntRange(0, 3).Draw(r, "ranges") {
				list = append(list, one())
			}
			return list
		}
		for range rapid.IntRange(1, 80).Draw(r, "steps") {
			link := rapid.IntRange(1, 3).Draw(r, "link")
			switch rapid.IntRange(0, 11).Draw(r, "what") {
			case 0, 1, 2:
				o, s := origin(), seq.Draw(r, "seq")
				low := min(s, seq.Draw(r, "low"))
				b := wire.AppendMsgHead(nil, age.Draw(r, "age"), 1, wire.SpanID{})
				c.bytes(link, wire.AppendMsgTail(b, o, s, low, "p", wire.NewContext(c.tree.rng, rapid.Bool().Draw(r, "sampled")), []byte("x")))
			case 3:
				c.frame(link, &wire.Frame{Verb: wire.VerbIHave, Control: &wire.IHave{Marks: marks()}})
			case 4:
				c.frame(link, &wire.Frame{Verb: wire.VerbHave, Control: &wire.Have{Marks: marks()}})
			case 5:
				c.frame(link, &wire.Frame{Verb: wire.VerbWant, Control: &wire.Want{Uptime: age.Draw(r, "uptime"), Ranges: ranges()}})
			case 6:
				c.frame(link, &wire.Frame{Verb: wire.VerbGraft, Control: &wire.Graft{Uptime: age.Draw(r, "uptime"), Ranges: ranges()}})
			case 7:
				c.frame(link, &wire.Frame{Verb: wire.VerbGone, Control: &wire.Gone{Range: one(), Old: rapid.Bool().Draw(r, "old")}})
			case 8:
				c.frame(link, &wire.Frame{Verb: wire.VerbPrune})
			case 9:
				c.wait(time.Duration(rapid.IntRange(1, 100000).Draw(r, "ms")) * time.Millisecond)
			case 10:
				if up[link-1] = !up[link-1]; up[link-1] {
					c.upFor(link, age.Draw(r, "uptime"))
				} else {
					c.down(link)
				}
			case 11:
				c.full(link, rapid.Bool().Draw(r, "full"))
				c.publish("y")
			}
			for _, d := range c.delivered {
				if d.Seq <= last[d.Origin] || d.Origin == letter('s') {
					r.Fatalf("delivered %d of %s after %d", d.Seq, d.Origin, last[d.Origin])
				}
				last[d.Origin] = d.Seq
			}
			c.said, c.delivered = nil, nil
		}
		c.wait(30 * time.Minute)
		if s := c.tree.Stats(); s.Missing > 0 && up[0] && up[1] && up[2] {
			r.Logf("still missing %d", s.Missing)
		}
	})
}
