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
		v.ask(&ask{first: i, last: i, start: instant(i)}, 0, instant(i))
	}
	if len(v.sent) != maxSent {
		t.Fatalf("%d asks are remembered, and %d may be", len(v.sent), maxSent)
	}
	if a, none := v.answered(95, 99, false); none || a.start != 95 {
		t.Errorf("the first that fits is of %d: %v", a.start, none)
	}
	if _, none := v.answered(1, 1, false); !none {
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

// TestWhoAskedIsAskedForOthers has a newcomer ask us for what neither ever had, and then an old peer. What the
// newcomer was told elsewhere meanwhile we need not come to know, so it is asked for the other's sake.
func TestWhoAskedIsAskedForOthers(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.upFor(3, 2*time.Minute)
	c.said = nil
	c.say(3, "HAVE last $a.9")
	c.say(3, "WANT 120000 $a.1-7")
	c.wantIdle("nobody else has it, and what he asks for he is not asked")
	c.say(2, "GRAFT 600000 $a.1-7")
	c.wait(0)
	c.want("but for the other", "3 WANT $a.1-7")
	c.say(3, "GONE old $a.1-5")
	c.want("who was not owed these; and neither was he", "2 GONE old $a.1-5", "3 GONE old $a.1-5")
	c.msg(3, 'a', 6, 90*time.Second)
	c.msg(3, 'a', 7, 90*time.Second)
	c.want("and what he has got he need not get back", "2 MSG a6", "2 MSG a7")
	if len(c.tree.deeps) > 0 {
		t.Error("it goes on for nobody")
	}
}

// TestNobodyIsAskedForNobody has the one who asked get elsewhere what we look for.
func TestNobodyIsAskedForNobody(t *testing.T) {
	c := newcomer(t)
	c.say(2, "GRAFT 600000 $a.1-7")
	c.want("the old mesh is asked", "1 WANT $a.1-7")
	c.say(2, "IHAVE $a.9")
	c.wait(deepPatience + deepAgain)
	c.wantIdle("he has got it")
	if len(c.tree.deeps) > 0 {
		t.Error("it goes on for nobody")
	}

	c = newcomer(t)
	c.down(1)
	c.say(2, "GRAFT 600000 $a.1-7")
	c.say(2, "IHAVE $a.3")
	c.wait(0)
	c.wantIdle("he has got a part elsewhere")
	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $a.9")
	c.wait(0)
	c.want("somebody comes, and is asked for the rest", "3 WANT $a.4-7")
}

// TestAskersTakeTurns has two look for different messages that we skipped, and to each of them somebody else is of use.
func TestAskersTakeTurns(t *testing.T) {
	c := newcomer(t)
	c.down(1)
	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $a.3")
	c.say(3, "WANT 600000 $a.4-7")
	c.wantIdle("nobody has these")
	c.say(2, "GRAFT 600000 $a.1-7")
	c.wait(0)
	c.want("but for another, who looks for more, he is asked himself", "3 WANT $a.1-3")
	c.msg(3, 'a', 1, 3*time.Minute)
	c.say(3, "GONE lost $a.2-3")
	c.want("what he says is gone is gone, and of the rest he has said nothing", "2 MSG a1", "2 GONE lost $a.2-3")

	c = newcomer(t)
	c.upFor(3, 2*time.Minute)
	c.said = nil
	c.say(3, "WANT 120000 $a.4-7")
	c.want("for one", "1 WANT $a.4-7")
	c.say(2, "GRAFT 600000 $a.1-7")
	c.wantIdle("another waits")
	c.wait(deepPatience)
	if !strings.HasPrefix(c.said[0], "1 WANT 3603") {
		t.Errorf("%q does not ask on behalf of who is older", c.said[0])
	}
	c.want("but not for long", "1 WANT $a.1-7")
	c.wait(deepPatience + deepAgain - 1)
	c.wantIdle("both had their turns")
	c.wait(1)
	c.want("and have them again", "1 WANT $a.1-7")
	c.wait(deepPatience)
	c.want("and have them again", "1 WANT $a.4-7")
}

// TestWhoMayHaveSkippedItIsTold has us skip what a neighbor has as well. If it is not up for so long that it has had
// all that is kept anywhere, it may have skipped the same, and the way of those who ask it leads through us.
func TestWhoMayHaveSkippedItIsTold(t *testing.T) {
	c := newTalk(t, 2)
	c.upFor(3, 5*time.Minute)
	c.said = nil
	c.say(1, "HAVE last $a.7")
	c.say(2, "HAVE last $a.7")
	c.say(3, "HAVE last $a.7")
	c.want("the first is asked", "1 WANT $a.1-7")
	c.say(1, "GONE old $a.1-7")
	c.want("it is older than we are", "caught up 1 0/7")
	c.wait(ihaveDelay)
	c.want("they are told that we know, except who is old", "3 IHAVE $a.7")

	c.say(3, "HAVE last $b.7")
	c.want("another", "3 WANT $b.1-7")
	c.say(3, "GONE old $b.1-7")
	c.want("is older, too", "caught up 3 0/7")
	c.say(2, "GRAFT 600000 $b.1-7")
	if want := spell("3 IHAVE $b.7"); c.said[0] != want && c.said[1] == want {
		t.Error("it is asked before it is told, and takes the question for our own")
	}
	c.want("somebody asks at the same moment", "3 IHAVE $b.7", "3 WANT $b.1-7")
	c.wait(ihaveDelay)
	c.want("once is enough", "1 IHAVE $b.7", "2 IHAVE $b.7")
}

// TestDroppedQuestion has us ask a newcomer for ourselves, who lets that drop when it hears that we know. So the
// answer to our next question is taken for one to the first, and it must be put again.
func TestDroppedQuestion(t *testing.T) {
	c := newTalk(t, 2)
	c.upFor(3, 2*time.Minute)
	c.said = nil
	c.say(3, "HAVE last $a.7")
	c.want("for ourselves", "3 WANT $a.1-7")
	c.say(1, "HAVE last $a.7")
	c.wait(wantPatience)
	c.want("it does not answer, so another is asked", "1 WANT $a.1-7", "caught up 3 0/7")
	c.say(1, "GONE old $a.1-7")
	c.wait(ihaveDelay)
	c.want("it is older than we are", "caught up 1 0/7", "2 IHAVE $a.7", "3 IHAVE $a.7")
	c.down(1)
	c.say(2, "GRAFT 600000 $a.1-7")
	c.want("for somebody older", "3 WANT $a.1-7")
	c.say(3, "GONE old $a.1-7")
	c.want("it may have answered the first", "3 WANT $a.1-7")
	c.say(3, "GONE old $a.1-7")
	c.want("or the second", "2 GONE old $a.1-7")
}

// TestNewcomersThatMetElsewhere has a newcomer that has lost the old mesh, and another that has come to it since. An
// old peer that comes to the first must get through both what the old mesh has.
func TestNewcomersThatMetElsewhere(t *testing.T) {
	n := newNetwork(t, 1)
	a, b := n.start(), n.start()
	n.run(time.Second)
	last := a.publish("then")
	n.run(10 * time.Second)
	first := n.start()
	n.join(a, first)
	n.run(10 * time.Millisecond)
	n.cut(a, first)
	second := n.start()
	n.join(first, second)
	n.run(10 * time.Millisecond)
	n.join(second, a)
	n.run(10 * time.Millisecond)
	n.join(first, b)
	n.run(time.Second)
	if !b.has(a, last) {
		t.Fatalf("it lacks what was said before the newcomers came\n%s", n.table(a))
	}
}
