package plumtree

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// skipped is a peer that started a minute ago and has skipped a's messages up to n, on the word of somebody who is gone.
func skipped(t *testing.T, n int) *talk {
	c := newTalk(t, 0)
	c.up(99)
	c.say(99, fmt.Sprintf("HAVE last $a.%d", n))
	c.say(99, fmt.Sprintf("GONE old $a.1-%d", n))
	c.down(99)
	c.said = nil
	return c
}

// says counts what it said on a link that begins so, and forgets all it said.
func (c *talk) says(begins string) (n int) {
	for _, s := range c.said {
		if strings.HasPrefix(s, begins) {
			n++
		}
	}
	c.said = nil
	return n
}

func (c *talk) deep(origin byte) *deep { return c.tree.origins.findName(letter(origin)).deep }

// A full link is owed what is pushed, however old; that says nothing of the age of who asks on it.
func TestFullLinkOfAnAsker(t *testing.T) {
	n := newNetwork(t, 1)
	n.delay = func() time.Duration { return time.Millisecond }
	a, b := n.start(), n.start()
	for range 20 {
		a.publish("then")
	}
	n.run(10 * time.Second)
	s := n.start()
	n.join(a, s)
	n.run(10 * time.Millisecond)
	sb, bs := n.join(s, b)
	n.run(1500 * time.Microsecond) // b has read our HAVE, and its WANT is under way
	bs.hold, sb.hold, sb.mark = true, true, 1
	s.publish("full")
	a.publish("now")
	n.run(5 * time.Millisecond)
	bs.hold = false
	n.run(5 * time.Millisecond)
	sb.hold = false
	before := s.cable(a).verbs[wire.VerbWant]
	n.run(10 * time.Second)
	if asked := s.cable(a).verbs[wire.VerbWant] - before; asked > 5 || len(b.got[a.origin]) != 21 {
		t.Errorf("a was asked %d times, and b has got %d of 21", asked, len(b.got[a.origin]))
	}
}

// TestAnswerToAnEarlierTurn has an answer come when another has his turn, who looks for later messages.
func TestAnswerToAnEarlierTurn(t *testing.T) {
	c := newTalk(t, 3)
	c.say(1, "HAVE last $a.9")
	c.say(3, "HAVE last $a.9")
	c.want("for ourselves", "1 WANT $a.1-9")
	c.wait(wantPatience)
	c.say(3, "GONE old $a.1-9")
	c.wait(time.Second)
	c.down(3)
	c.said = nil
	c.say(2, "GRAFT 600000 $a.1-4")
	c.want("for one", "1 WANT $a.1-4")
	c.say(1, "WANT 600000 $a.8-9")
	c.wait(deepPatience)
	c.say(1, "GONE old $a.1-9")
	c.wantIdle("that was for us, and who looks for the rest now is not asked for himself")
}

// TestRingOfAskers has newcomers in a ring ask one another for an old peer what another old peer at the ring has. Where
// links are slow, each time round they seem older.
func TestRingOfAskers(t *testing.T) {
	for seed, latency := range []time.Duration{1, 300, 500, 600, 700, 800} {
		latency *= time.Millisecond
		n := newNetwork(t, uint64(seed))
		n.delay = func() time.Duration { return latency/2 + time.Duration(n.rng.Int64N(int64(latency/2+1))) }
		a := n.start(func(c *Config) { c.RetainBytes = 1 }) // it keeps the newest alone
		olds := []*peer{n.start(), n.start(), n.start()}
		for _, p := range olds[1:] { // the first of them gets nothing, the others some of it
			n.run(10 * time.Second)
			n.join(a, p)
			n.run(10 * time.Second)
			for range 20 {
				a.publish("then")
			}
		}
		n.run(20 * time.Second)
		n.cut(a, olds[1])
		n.cut(a, olds[2])
		for range 20 {
			a.publish("and then")
		}
		n.run(time.Second)
		ring := []*peer{n.start(), n.start(), n.start(), n.start(), n.start()}
		for i, p := range ring {
			n.join(a, p)
			n.join(p, ring[(i+1)%len(ring)])
			n.run(10 * time.Millisecond)
		}
		n.run(10 * time.Second)
		a.publish("now")
		n.run(10 * time.Second)
		n.kill(a)
		for i, p := range olds {
			n.join(p, ring[i])
		}
		n.run(5 * time.Minute)
		if got := len(olds[0].got[a.origin]); got < 40 {
			t.Errorf("latency %v: it has got %d of the 40 that another at the ring has\n%s", latency, got, n.table(a))
		}
		asked := 0
		count := func() {
			for _, p := range n.peers {
				for _, k := range p.cables {
					asked += k.verbs[wire.VerbWant]
				}
			}
		}
		count()
		asked = -asked
		n.run(time.Minute)
		if count(); asked > 600 {
			t.Errorf("latency %v: %d asks in a minute for what nobody has", latency, asked)
		}
	}
}

// TestHeldIsNotGone has us hold some of what an asker looks for, and be told that all of it is gone.
func TestHeldIsNotGone(t *testing.T) {
	c := skipped(t, 9)
	for i := range 4 {
		c.up(i + 1)
	}
	c.say(1, "HAVE last $a.7")
	c.say(3, "WANT 600000 $a.5-7")
	for seq := uint64(5); seq <= 7; seq++ {
		c.msg(1, 'a', seq, 2*time.Minute)
	}
	c.down(1)
	c.say(4, "WANT 600000 $a.8-9")
	c.say(2, "WANT 600000 $a.1-9")
	for c.wait(2 * deepAgain); c.deep('a').next != 1; {
		c.wait(time.Second)
	}
	c.up(5)
	c.say(5, "HAVE last $a.9")
	c.wait(100 * time.Millisecond)
	c.said = nil
	c.say(5, "GONE lost $a.1-9")
	if n := c.says("2 MSG"); n != 3 {
		t.Errorf("we hold 5 to 7, and give %d of them", n)
	}

	c = skipped(t, 7)
	for i := range 3 {
		c.up(i + 1)
	}
	c.say(1, "HAVE last $a.7")
	c.say(2, "IHAVE $a.7")
	c.say(3, "WANT 600000 $a.1-4")
	for seq := uint64(1); seq <= 4; seq++ {
		c.msg(1, 'a', seq, 2*time.Minute)
	}
	c.down(1)
	c.say(2, "WANT 600000 $a.5-7")
	c.wait(deepPatience)
	c.said = nil
	c.say(2, "WANT 600000 $a.1-7")
	if n := c.says("2 MSG"); n != 4 {
		t.Errorf("who waits for 5 asks for what we hold, 1 to 4, and gets %d of them", n)
	}
}

// TestDenials has what somebody says to be gone be taken for as much as was said, and no more.
func TestDenials(t *testing.T) {
	t.Run("not beyond what he knew", func(t *testing.T) {
		c := skipped(t, 9)
		c.upFor(1, time.Hour)
		c.upFor(3, 2*time.Hour)
		c.up(2)
		c.say(1, "HAVE last $a.9")
		c.say(3, "HAVE last $a.5")
		c.said = nil
		c.say(2, "WANT 600000 $a.1-9")
		c.say(3, "GONE lost $a.1-5")
		c.wait(20 * time.Second)
		if n := c.says("2 GONE lost"); n != 1 {
			t.Errorf("%d answers, and nobody said that 6 is gone", n)
		}
	})
	t.Run("nor what he has got since", func(t *testing.T) {
		c := skipped(t, 9)
		c.up(1)
		c.up(2)
		c.say(1, "HAVE last $a.5")
		c.say(2, "WANT 600000 $a.1-9")
		c.msg(1, 'a', 10, 0)
		c.said = nil
		c.say(1, "GONE lost $a.1-5")
		c.want("he was asked for 1 to 5", "2 GONE lost $a.1-5", "1 WANT $a.6-9")
	})
	t.Run("nor what he has", func(t *testing.T) {
		c := skipped(t, 7)
		c.upFor(1, 2*time.Hour)
		c.up(2)
		c.up(3)
		c.say(1, "HAVE last $a.7")
		c.say(3, "HAVE last $a.7")
		c.say(2, "WANT 600000 $a.1-7")
		c.wait(deepPatience + time.Millisecond)
		c.say(1, "GONE lost $a.1-3")
		for seq := uint64(4); seq <= 7; seq++ {
			c.msg(1, 'a', seq, 2*time.Minute)
		}
		c.said = nil
		c.say(3, "GONE lost $a.1-7")
		c.wait(100 * time.Millisecond)
		if slices.Contains(c.said, "2 GONE lost $a.1-7") {
			t.Errorf("the first has 4 to 7: %q", c.said)
		}
	})
	t.Run("nor of another turn", func(t *testing.T) {
		c := skipped(t, 9)
		c.upFor(1, 2*time.Hour)
		for i := range 3 {
			c.up(i + 2)
		}
		c.say(1, "HAVE last $a.9")
		c.say(4, "HAVE last $a.9")
		c.say(3, "IHAVE $a.2")
		c.say(2, "WANT 600000 $a.1-4")
		c.say(3, "WANT 600000 $a.3-9")
		c.wait(3*deepPatience + time.Second)
		c.said = nil
		c.say(1, "GONE lost $a.1-4")
		if slices.Contains(c.said, "3 GONE lost $a.3-4") {
			t.Errorf("another has not been asked yet for this one: %q", c.said)
		}
	})
}

// TestLaterAskIsNotHidden has a newcomer ask us for what we skipped and nobody has, and then for what we hold behind it.
func TestLaterAskIsNotHidden(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.say(2, "WANT 600000 $a.1-9")
	c.wantIdle("nobody has the first of it")
	c.say(2, "WANT 600000 $a.8-9")
	c.want("but we hold what it asks for now", "2 MSG a8", "2 MSG a9")
}

// TestDroppedQuestionForSomebodyOlder has whom we asked for somebody who is to have the history let that drop. What it
// answers next, to a question for somebody younger, is no word for another old one, for whom we ask as well.
func TestDroppedQuestionForSomebodyOlder(t *testing.T) {
	c := skipped(t, 7)
	c.upFor(1, 30*time.Second)
	c.up(2)
	c.upFor(3, 3*time.Minute)
	c.say(1, "HAVE last $a.7")
	c.said = nil
	c.say(2, "WANT 999999999999 $a.1-7")
	c.want("for who is to have the history", "1 WANT $a.1-7")
	c.down(2)
	c.wait(deepPatience)
	c.tree.link(1).views[c.tree.origins.findName(letter('a')).slot].tell(7) // and it lets that drop
	c.said = nil
	c.say(3, "WANT 180000 $a.7-7")
	c.want("for the younger one", "1 WANT $a.7-7")
	c.wait(deepPatience - time.Millisecond)
	c.up(4)
	c.said = nil
	c.say(4, "WANT 999999999999 $a.7-7")
	c.wait(time.Millisecond)
	c.want("for an old one again", "1 WANT $a.7-7")
	c.said = nil
	c.say(1, "GONE old $a.7-7")
	if c.says("4 GONE old") > 0 {
		t.Error("that was for the younger one")
	}
}

// TestWhoWasAskedIsTold has us ask a newcomer, and get it from another. It seems younger than the newcomer, since it did
// not age on the wire, but he was asked and may look for it still, for others, too.
func TestWhoWasAskedIsTold(t *testing.T) {
	c := newTalk(t, 1)
	c.upFor(2, 10*time.Second)
	c.said = nil
	c.say(2, "HAVE last $a.2")
	c.want("who has it is asked", "2 WANT $a.1-2")
	c.say(1, "HAVE last $a.2")
	c.wait(wantPatience)
	c.want("it does not answer, so another is", "caught up 2 0/2", "1 WANT $a.1-2")
	c.msg(1, 'a', 1, 5*time.Second)
	c.msg(1, 'a', 2, 5*time.Second)
	c.want("there it is", "deliver a1", "deliver a2", "caught up 1 2/2")
	c.wait(ihaveDelay)
	c.want("and we are to be asked", "2 IHAVE $a.2")
}

// TestMarksOfNewcomersCross has us and a newcomer come to know of the same at one time. The way to it leads through us,
// so it must know that we have got so far.
func TestMarksOfNewcomersCross(t *testing.T) {
	c := newTalk(t, 1)
	c.upFor(2, 10*time.Second)
	c.said = nil
	c.say(1, "HAVE last $a.7")
	c.want("for ourselves", "1 WANT $a.1-7")
	c.say(1, "GONE old $a.1-7")
	c.say(2, "IHAVE $a.7")
	c.wait(ihaveDelay)
	c.want("both have skipped it", "caught up 1 0/7", "2 IHAVE $a.7")

	c = newTalk(t, 1)
	c.upFor(2, 10*time.Second)
	c.say(2, "PRUNE")
	c.said = nil
	c.msg(1, 'a', 1, 30*time.Second)
	c.say(2, "IHAVE $a.1")
	c.wait(ihaveDelay)
	c.want("he has, and we have it", "deliver a1", "2 IHAVE $a.1")
}

// TestLateAnswers has each answer come when another has his turn.
func TestLateAnswers(t *testing.T) {
	c := skipped(t, 30)
	c.upFor(1, 2*time.Minute) // the youngest is asked last
	for i := range 4 {
		c.up(i + 2)
	}
	c.say(1, "HAVE last $a.9")
	c.say(3, "IHAVE $a.19")
	c.say(4, "IHAVE $a.24")
	c.say(5, "IHAVE $a.29")
	c.say(2, "WANT 600000 $a.1-9")
	c.say(3, "WANT 600000 $a.20-22")
	c.say(4, "WANT 600000 $a.25-26")
	c.say(5, "WANT 600000 $a.30-30")
	for asked, end := 0, c.now.Add(time.Minute); asked < 2; c.wait(50 * time.Millisecond) {
		if c.now.After(end) {
			t.Fatalf("it was asked %d times in a minute", asked)
		}
		if c.says("1 WANT") == 0 {
			continue
		}
		asked++
		c.wait(deepPatience + 500*time.Millisecond)
		c.said = nil
		c.msg(1, 'a', 1, 2*time.Minute)
		if c.says("2 MSG a1") == 1 {
			return
		}
	}
	t.Error("an answer was not taken")
}

// TestDeepFetchIsBounded has a neighbor tell us the same again and again.
func TestDeepFetchIsBounded(t *testing.T) {
	c := skipped(t, 7)
	c.up(1)
	c.up(2)
	c.say(1, "HAVE last $a.7")
	c.say(2, "WANT 600000 $a.1-7")
	for range 1000 {
		c.say(1, "IHAVE $a.7")
	}
	d := c.deep('a')
	if len(d.asked) > 2 || len(d.tried) > 2 {
		t.Errorf("of two neighbors %d were asked, and %d tried", len(d.asked), len(d.tried))
	}
	c.up(3)
	c.say(3, "HAVE last $a.7")
	c.wait(deepPatience)
	for range 1000 {
		c.say(1, "GONE lost $a.1-7")
	}
	if len(d.gone) > 3 || len(d.turns) > 4 {
		t.Errorf("%d of three neighbors deny it, and %d have had their turns", len(d.gone), len(d.turns))
	}
}

// TestDoubtIsOfTheLink has a link be slow while many origins' messages are asked for: all are late for one reason.
func TestDoubtIsOfTheLink(t *testing.T) {
	c := newTalk(t, 1)
	for o := byte('a'); o < 'r'; o++ {
		c.say(1, "HAVE last $"+string(o)+".9")
	}
	c.wait(1500 * time.Millisecond)
	for o := byte('a'); o < 'r'; o++ {
		c.say(1, "GONE old $"+string(o)+".1-7")
	}
	if d := c.tree.links[0].doubt; d != 500*time.Millisecond {
		t.Errorf("half a second more than is allowed for has passed, and it doubts %v", d)
	}
}
