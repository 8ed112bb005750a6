package plumtree

import (
	"strings"
	"testing"
	"time"
)

// newcomer is a peer that started a minute ago, between link 1, an old mesh that knows a's messages 1
// to 9, and link 2, an old peer that does not. It has skipped 1 to 7.
func newcomer(t *testing.T) *talk {
	c := newTalk(t, 2)
	c.say(1, "HAVE last $a.9")
	c.want("as a newcomer, ask", "1 WANT $a.1-9")
	c.say(1, "GONE old $a.1-7")
	c.msg(1, 'a', 8, 10*time.Second)
	c.msg(1, 'a', 9, 0)
	c.want("and skip what is older", "deliver a8", "2 MSG a8", "deliver a9", "2 MSG a9", "caught up 1 2/9")
	c.wait(ihaveDelay)
	c.want("the mark tells what was skipped, too", "2 IHAVE $a.9")
	return c
}

func TestDeepFetch(t *testing.T) {
	c := newcomer(t)
	c.say(2, "GRAFT 600000 $a.1-7")
	if !strings.HasPrefix(c.said[0], "1 WANT 36010") {
		t.Fatalf("%q does not ask on behalf of a peer that is up for an hour", c.said[0])
	}
	c.want("what we never had is asked for", "1 WANT $a.1-7")
	c.say(1, "GONE old $a.1-4")
	c.want("the answer is passed on", "2 GONE old $a.1-4")
	c.msg(1, 'a', 5, 5*time.Minute)
	c.msg(1, 'a', 6, 4*time.Minute)
	c.want("so are the messages, which we do not deliver", "2 MSG a5", "2 MSG a6")
	c.msg(1, 'a', 7, 3*time.Minute)
	c.want("so are the messages, which we do not deliver", "2 MSG a7")
	c.upFor(3, time.Hour)
	c.said = nil
	c.say(3, "WANT 600000 $a.1-9")
	c.want("the next asker is served from the log, and for the rest asked again, being older",
		"1 WANT $a.1-4")
	c.say(1, "GONE lost $a.1-4")
	c.want("which is gone", "3 GONE lost $a.1-4", "3 MSG a5", "3 MSG a6", "3 MSG a7", "3 MSG a8", "3 MSG a9")
	c.upFor(4, 10*time.Second)
	c.said = nil
	c.say(4, "WANT 10000 $a.1-3")
	c.want("who is younger than we are is not owed it", "4 GONE old $a.1-3")
}

func TestDeepFetchWaits(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.say(2, "GRAFT 600000 $a.1-7")
	c.wantIdle("nobody has it now, which does not mean that it is gone")
	c.wait(time.Minute)
	c.publish("hello")
	c.want("other messages go on", "2 MSG hello")
	c.up(3)
	c.want("somebody comes", "3 HAVE last $s.1 $a.9")
	c.say(3, "HAVE last $a.8")
	c.wait(0)
	c.want("and is asked", "3 WANT $a.1-7")
	c.wait(deepPatience / 2)
	c.up(4)
	c.said = nil
	c.say(4, "HAVE last $a.8")
	c.wait(deepPatience / 2)
	c.want("if it is silent, the next", "4 WANT $a.1-7")
	c.down(4)
	c.wantIdle("all were asked")
	for seq := uint64(1); seq <= 7; seq++ {
		c.msg(3, 'a', seq, 3*time.Minute)
	}
	c.want("a late answer is as good", "2 MSG a1", "2 MSG a2", "2 MSG a3", "2 MSG a4", "2 MSG a5", "2 MSG a6", "2 MSG a7")
}

func TestDeepFetchEndsWithTheWindow(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.say(2, "GRAFT 3600000 $a.1-7")
	c.wait(10 * time.Minute)
	c.want("what we skipped has expired", "2 GONE lost $a.1-7")
	c = newcomer(t)
	c.down(1)
	c.say(2, "GRAFT 3600000 $a.1-7")
	c.down(2)
	c.wait(deepAgain + time.Second)
	if len(c.tree.deeps) != 0 {
		t.Fatal("nobody waits, and yet it goes on")
	}
}

// TestTwoMeshesMeetInANewcomer has two pairs of old peers, and a newcomer that links them.
func TestTwoMeshesMeetInANewcomer(t *testing.T) {
	for _, chain := range []int{1, 2, 3} { // newcomers in a row
		n := newNetwork(t, uint64(chain))
		a, b, x, y := n.start(), n.start(), n.start(), n.start()
		n.join(a, b)
		n.join(x, y)
		n.run(time.Second)
		for range 50 {
			a.publish("left")
			y.publish("right")
			n.run(10 * time.Millisecond)
		}
		n.run(time.Second)
		last := b
		for range chain {
			s := n.start()
			n.join(last, s)
			last = s
			n.run(10 * time.Millisecond)
		}
		n.join(last, x)
		n.run(10 * time.Second)
		for _, p := range n.peers[:4] {
			if p != a && len(p.got[a.origin]) != 50 || p != y && len(p.got[y.origin]) != 50 {
				t.Fatalf("%d newcomers between: an old peer lacks messages\n%s%s", chain, n.table(a), n.table(y))
			}
		}
		for _, p := range n.peers[4:] {
			if len(p.got) > 0 {
				t.Fatalf("a newcomer got what was older than itself\n%s", n.table(a))
			}
		}
		a.publish("all")
		n.run(time.Second)
		n.wantAll(a, 51)
	}
}

// TestRingOfNewcomers has an old peer ask for what its origin keeps no longer, and newcomers who never had it ask
// one another for its sake, in a ring. Nobody can give it, and the old peer must not wait for it until it
// would have expired, since what its origin says now waits, too.
func TestRingOfNewcomers(t *testing.T) {
	n := newNetwork(t, 1)
	a := n.start(func(c *Config) { c.RetainBytes = 1 }) // it keeps the newest alone
	old := n.start()
	n.run(time.Second)
	for range 50 {
		a.publish("then")
	}
	n.run(10 * time.Second)
	ring := []*peer{n.start(), n.start(), n.start()}
	for i, p := range ring {
		n.join(a, p)
		n.join(p, ring[(i+1)%len(ring)])
		n.run(10 * time.Millisecond)
	}
	n.run(time.Second)
	last := a.publish("now")
	n.run(time.Second)
	n.join(old, ring[0])
	n.join(old, a)
	n.run(2*deepAgain + time.Second)
	if got := old.got[a.origin]; len(got) == 0 || got[len(got)-1] != last {
		t.Fatalf("it waits for what is gone, and has not heard number %d\n%s", last, n.table(a))
	}
	n.run(2*deepAgain + time.Second)
	for _, p := range append(ring, old) {
		if len(p.tree.deeps) > 0 {
			t.Errorf("%s looks for it still", p.name)
		}
	}
}

// TestAgeSurvivesANewcomer has a newcomer pass on what is older than itself: it stays as old as it is, for
// another newcomer, and for the retention window.
func TestAgeSurvivesANewcomer(t *testing.T) {
	n := newNetwork(t, 1)
	a := n.start()
	n.run(time.Second)
	a.publish("before")
	n.run(900 * time.Millisecond) // a does not know whether p is older or younger: its word was under way
	p, q := n.start(), n.start()
	n.join(a, p)
	n.run(10 * time.Millisecond)
	n.join(p, q)
	n.run(time.Second)
	if p.tree.Stats().Dropped[reasonOld] != 1 {
		t.Fatalf("p was to get what is older than itself: %+v", p.tree.Stats())
	}
	for _, x := range []*peer{p, q} {
		if len(x.got) > 0 {
			t.Errorf("%s delivered what was said before it started", x.name)
		}
	}
	if e := p.tree.log.oldest(); e == nil || e.published > -900*time.Millisecond+5*ageSlack {
		t.Errorf("p keeps it as if it were younger: %+v", e)
	}
}

// TestOldForUsIsNotOldForAll has the answer to what a newcomer asked for itself come when it has asked the same
// for somebody older.
func TestOldForUsIsNotOldForAll(t *testing.T) {
	c := newTalk(t, 2)
	c.say(1, "HAVE last $a.1")
	c.want("as a newcomer, ask", "1 WANT $a.1-1")
	c.msg(1, 'a', 2, 2*time.Minute)
	c.want("what is older than an old one need not come", "2 MSG a2", "caught up 1 0/1")
	c.say(2, "GRAFT 600000 $a.1-1")
	c.want("for somebody older, ask again", "1 WANT $a.1-1")
	c.say(1, "GONE old $a.1-1")
	c.wantIdle("that was for us")
	c.msg(1, 'a', 1, 3*time.Minute)
	c.want("and this is for him", "2 MSG a1")

	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $b.1")
	c.want("somebody comes", "3 WANT $b.1-1")
	c.msg(3, 'b', 2, 2*time.Minute)
	c.said = nil
	c.say(2, "GRAFT 600000 $b.1-1")
	c.want("for somebody older, ask again", "3 WANT $b.1-1")
	c.say(3, "GONE lost $b.1-1")
	c.want("what is gone is gone for everybody", "2 GONE lost $b.1-1")
	v := &c.tree.link(3).views[c.tree.origins.findName(letter('b')).slot]
	v.sent = []sent{{next: 1, last: 1}}
	c.tree.origins.findName(letter('b')).verdict = verdict{}
	c.say(2, "GRAFT 600000 $b.1-1")
	c.want("once more", "3 WANT $b.1-1")
	v.sent = v.sent[:1] // as if the second had been one with the first
	c.say(3, "GONE old $b.1-1")
	c.want("that was for us, and nothing else is to come", "3 WANT $b.1-1")
	c.say(3, "GONE old $b.1-1")
	c.want("but this is for him", "2 GONE old $b.1-1")
}

// TestSentIsBounded asks the same link again and again.
func TestSentIsBounded(t *testing.T) {
	var v view
	for i := range uint64(100) {
		v.ask(&ask{first: i, last: i, start: instant(i)}, instant(i))
	}
	if len(v.sent) != maxSent {
		t.Fatalf("%d asks are remembered, and %d may be", len(v.sent), maxSent)
	}
	if a, none := v.answered(95, 99); none || a.start != 95 {
		t.Errorf("the first that fits is of %d: %v", a.start, none)
	}
	if _, none := v.answered(1, 1); !none {
		t.Error("what was forgotten is known still")
	}
}

// TestYoungerPeersAreTold has us get what a younger neighbor knows of and never had. Somebody older may have asked
// it, so it must know whom to ask.
func TestYoungerPeersAreTold(t *testing.T) {
	c := newTalk(t, 1)
	c.upFor(2, 10*time.Second)
	c.upFor(3, time.Hour)
	c.said = nil
	c.say(2, "HAVE last $a.2")
	c.want("who has it is asked", "2 WANT $a.1-2")
	c.say(3, "HAVE last $a.2")
	c.say(1, "HAVE last $a.2")
	c.wait(wantPatience)
	c.want("it does not answer, so another is", "caught up 2 0/2", "3 WANT $a.1-2")
	c.msg(3, 'a', 1, 30*time.Second)
	c.msg(3, 'a', 2, 30*time.Second)
	c.want("there it is", "deliver a1", "deliver a2", "caught up 3 2/2")
	c.wait(ihaveDelay)
	c.want("the younger peer is told, and the old one is not", "2 IHAVE $a.2")
	c.msg(2, 'a', 3, 0)
	c.said = nil
	c.wait(time.Second)
	c.wantIdle("what is younger than it is, it has had")
}

func TestDeepFetchHearsWhoHasIt(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $a.2")
	c.say(2, "GRAFT 600000 $a.3-7")
	c.wantIdle("nobody has it now")
	c.say(3, "IHAVE $a.9")
	c.wait(0)
	c.want("somebody has got so far", "3 WANT $a.3-7")
	c.say(3, "GONE lost $a.3-7")
	c.wait(0)
	c.want("and has it no longer", "2 GONE lost $a.3-7")

	c = newcomer(t)
	c.down(1)
	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $a.9")
	c.say(2, "GRAFT 600000 $a.1-7")
	c.want("who may have it is asked", "3 WANT $a.1-7")
	c.say(3, "GRAFT 300000 $a.1-7")
	c.wantIdle("he looks for it, too, and does not answer")
	c.wait(deepPatience)
	c.say(2, "IHAVE $a.9")
	c.wait(0)
	c.want("who asked us has got it elsewhere", "2 WANT $a.1-7")
	for seq := uint64(1); seq <= 7; seq++ {
		c.msg(2, 'a', seq, 3*time.Minute)
	}
	c.want("and gives it for the other", "3 MSG a1", "3 MSG a2", "3 MSG a3", "3 MSG a4", "3 MSG a5", "3 MSG a6", "3 MSG a7")
}

func TestDeepFetchTellsOtherNewcomers(t *testing.T) {
	c := newcomer(t)
	c.upFor(3, 30*time.Second)
	c.said = nil
	c.say(3, "HAVE last $a.9")
	c.say(2, "GRAFT 600000 $a.1-7")
	c.want("the old mesh is asked", "1 WANT $a.1-7")
	c.msg(1, 'a', 1, 3*time.Minute)
	c.want("it is passed on", "2 MSG a1")
	c.wait(ihaveDelay)
	c.want("another newcomer may look for it", "3 IHAVE $a.9")
}

// TestNobodyLooksForWhatIsTooOld has a newcomer asked for what it skipped by somebody who is not older than it is, or
// hardly.
func TestNobodyLooksForWhatIsTooOld(t *testing.T) {
	c := newcomer(t)
	c.upFor(3, time.Minute)
	c.said = nil
	c.say(3, "WANT 60000 $a.1-7")
	c.want("as old as we are", "3 GONE old $a.1-7")
	c.upFor(4, time.Minute+500*time.Millisecond)
	c.said = nil
	c.say(4, "WANT 60500 $a.1-7")
	c.want("half a second older may be owed what we were told is older than we are, by a second at least", "1 WANT $a.1-7")
	c.say(1, "GONE old $a.1-7")
	c.want("he was not", "4 GONE old $a.1-7")
}
