package plumtree

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestVersionVectors(t *testing.T) {
	c := newTalk(t, 1)
	c.msg(1, 'a', 1, 0)
	c.publish("hello")
	c.want("messages", "deliver a1", "1 MSG hello")
	c.up(2)
	c.want("a new link is told what we have", "2 HAVE last $s.1 $a.1")
	c.say(2, "HAVE last $a.1 $b.3 $s.0")
	c.want("and asked for what we lack, at once", "2 WANT $b.1-3")
	for seq := uint64(1); seq <= 3; seq++ {
		c.msg(2, 'b', seq, time.Second)
	}
	c.want("what comes goes on to others", "deliver b1", "1 MSG b1", "deliver b2", "1 MSG b2", "deliver b3", "1 MSG b3", "caught up 2 3/3")
}

func TestOneLinkIsAsked(t *testing.T) {
	c := newTalk(t, 3)
	c.say(1, "HAVE last $a.5")
	c.want("the first is asked", "1 WANT $a.1-5")
	c.say(2, "HAVE last $a.6")
	c.wantIdle("the others are not")
	c.msg(1, 'a', 1, time.Second)
	c.want("a message", "deliver a1", "3 MSG a1")
	c.wait(wantPatience / 2)
	c.wantIdle("it has time")
	c.wait(wantPatience)
	c.want("if it falls silent, another is asked for the rest", "2 WANT $a.2-6", "caught up 1 1/5")
	c.down(2)
	c.want("and if that one is lost, the next", "1 GRAFT $a.2-5")
}

func TestServing(t *testing.T) {
	c := newTalk(t, 1)
	for range 3 {
		c.publish("x")
	}
	c.up(2)
	c.said = nil
	c.say(2, "WANT 60000 $s.1-3")
	c.want("what is asked for is served", "2 MSG x", "2 MSG x", "2 MSG x")
	c.say(2, "WANT 60000 $q.1-2 $s.9-9")
	c.want("what we do not know is gone", "2 GONE lost $q.1-2", "2 GONE lost $s.9-9")
}

func TestNewcomerIsOwedNothingOlder(t *testing.T) {
	c := newTalk(t, 1)
	c.publish("one")
	c.wait(10 * time.Second)
	c.publish("two")
	c.upFor(2, 5*time.Second)
	c.said = nil
	c.say(2, "WANT 5000 $s.1-2")
	c.want("what is older than the asker is told to be old", "2 GONE old $s.1-1", "2 MSG two")

	c = newTalk(t, 1) // it started a minute ago
	c.say(1, "HAVE last $a.9")
	c.want("as a newcomer, ask", "1 WANT $a.1-9")
	c.say(1, "GONE old $a.1-7")
	c.msg(1, 'a', 8, 30*time.Second)
	c.msg(1, 'a', 9, 20*time.Second)
	c.want("what is old is skipped", "deliver a8", "deliver a9", "caught up 1 2/9")
	c.msg(1, 'b', 5, 2*time.Minute)
	c.wantIdle("a message that is older than we are is not delivered")
	c.msg(1, 'b', 6, time.Second)
	c.want("nor is what came before it missing", "deliver b6")
	c.up(2)
	c.want("who is older may want them all", "2 HAVE last $a.9 $b.6")
	c.say(2, "WANT 600000 $b.5-6")
	c.want("and gets them", "2 MSG b5", "2 MSG b6")
	if s := c.tree.Stats(); s.Dropped["old"] != 1 || s.Lost != 0 {
		t.Fatalf("got %+v, want one old and none lost", s)
	}
}

// TestOurWordIsLate has what we say of our uptime be under way for so long that we seem younger than we are.
func TestOurWordIsLate(t *testing.T) {
	c := newTalk(t, 1) // it started a minute ago
	c.say(1, "HAVE last $a.9")
	c.want("as a newcomer, ask", "1 WANT $a.1-9")
	c.wait(1500 * time.Millisecond)
	c.say(1, "GONE old $a.1-7")
	if !strings.HasPrefix(c.said[0], "1 WANT 62000 ") {
		t.Errorf("%q: half a second more than the far side allows for may have passed", c.said[0])
	}
	c.want("some of these may be owed to us", "1 WANT $a.1-7", "caught up 1 0/9")
	c.wait(3 * time.Second)
	c.say(1, "GONE old $a.1-6")
	if !strings.HasPrefix(c.said[0], "1 WANT 66500 ") {
		t.Errorf("%q: now it took longer still", c.said[0])
	}
	c.want("and of these", "1 WANT $a.1-6", "caught up 1 0/7")
	c.wait(time.Second)
	c.say(1, "GONE old $a.1-5")
	c.msg(1, 'a', 6, time.Minute)
	c.msg(1, 'a', 7, time.Minute)
	c.want("these are old beyond doubt", "deliver a6", "deliver a7", "caught up 1 1/6")
	c.say(1, "HAVE last $b.2")
	if !strings.HasPrefix(c.said[0], "1 WANT 67500 ") {
		t.Errorf("%q: the link is known to be slow", c.said[0])
	}
}

// TestSkippedForAnotherReason has us skip what an origin kept no longer when we met it. Whoever was there when it was
// published, though younger than we are, is not told that it is too old for him.
func TestSkippedForAnotherReason(t *testing.T) {
	c := newTalk(t, 1)
	c.msgLow(1, 'a', 8, 8, 10*time.Second)
	c.want("we start where it starts", "deliver a8")
	c.upFor(2, 20*time.Second)
	c.said = nil
	c.say(2, "WANT 20000 $a.1-8")
	c.want("he may be owed these", "1 WANT $a.1-7")
	c.say(1, "GONE lost $a.1-7")
	c.want("and is told that they are gone", "2 GONE lost $a.1-7", "2 MSG a8")
	c.upFor(3, 5*time.Second)
	c.said = nil
	c.say(3, "WANT 5000 $a.1-7")
	c.want("they are older than this one in any case", "3 GONE old $a.1-7")
}

func TestHistoryIsOwedEverything(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.History = true })
	c.say(1, "HAVE last $a.9")
	if got, want := c.said[0], spell("1 WANT 999999999999 $a.1-9"); spell(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	c.said = nil
	c.say(1, "GONE lost $a.1-7")
	c.msg(1, 'a', 8, 9*time.Minute)
	c.want("everything is delivered, and what is gone is lost", "lost $a.1-7", "deliver a8")
}

func TestSilentOriginNeedsNoResolving(t *testing.T) {
	c := newTalk(t, 2)
	c.msgLow(1, 'a', 50, 50, 0)
	c.want("what its origin keeps no longer is not missing", "deliver a50", "2 MSG a50")
	c.msgLow(1, 'b', 50, 48, 0)
	c.wait(20 * time.Millisecond)
	c.want("what it keeps is", "1 GRAFT $b.48-49")
}

func TestGoneAsksTheOthers(t *testing.T) {
	c := newTalk(t, 3)
	c.say(1, "HAVE last $a.9")
	c.say(2, "HAVE last $a.5")
	c.want("the first is asked", "1 WANT $a.1-9")
	c.say(1, "GONE lost $a.1-4")
	c.want("then the other who has them", "2 WANT $a.1-5", "caught up 1 0/9")
	c.say(2, "GONE lost $a.1-3")
	c.msg(1, 'a', 5, time.Second)
	c.want("what nobody has any more is lost", "lost $a.1-3")
	c.msg(2, 'a', 4, time.Second)
	c.want("then it goes on", "deliver a4", "3 MSG a4", "deliver a5", "3 MSG a5", "caught up 2 1/5")
	if s := c.tree.Stats(); s.Lost != 3 {
		t.Fatalf("got %+v, want three lost", s)
	}
}

// TestSilentBesideGone has one say that it is gone, and another, who looks for it elsewhere, say nothing.
func TestSilentBesideGone(t *testing.T) {
	c := newTalk(t, 2)
	c.say(1, "HAVE last $a.9")
	c.want("one is asked", "1 WANT $a.1-9")
	c.say(2, "HAVE last $a.9")
	c.wait(wantPatience)
	c.want("it does not answer, so the other is", "2 WANT $a.1-9", "caught up 1 0/9")
	c.say(2, "GONE lost $a.1-6")
	c.want("who does not have the first of them", "1 WANT $a.1-9", "caught up 2 0/9")
	c.msg(2, 'a', 7, time.Second)
	c.wait(goneSilence / 2)
	c.said = nil
	c.wait(goneSilence)
	if !slices.Contains(c.said, "lost $a.1-6") || !slices.Contains(c.said, "deliver a7") {
		t.Errorf("they are gone, and the next is here: %q", c.said)
	}

	c = newTalk(t, 3)
	for link := range 3 {
		c.say(link+1, "HAVE last $a.6")
	}
	c.say(1, "GONE lost $a.1-6")
	c.wait(goneSilence)
	if slices.Contains(c.said, "lost $a.1-6") {
		t.Errorf("two do not answer, and both are to have the time: %q", c.said)
	}
	c.wait(2 * goneSilence)
	if !slices.Contains(c.said, "lost $a.1-6") {
		t.Errorf("they had the time: %q", c.said)
	}
}

func TestGapThatNobodyFills(t *testing.T) {
	c := newTalk(t, 2, func(c *Config) { c.Retain = 2 * time.Minute })
	c.msg(1, 'a', 3, 0)
	c.down(1)
	c.wait(time.Minute)
	c.msg(2, 'b', 1, 0)
	c.want("a gap holds up its own origin only", "deliver b1")
	if s := c.tree.Stats(); s.Missing != 3 {
		t.Fatalf("got %+v, want three missing", s)
	}
	c.wait(2 * time.Minute)
	c.want("and no longer than the window", "lost $a.1-2", "deliver a3", "2 MSG a3", "2 IHAVE $a.3")
}

func TestRetention(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.Retain = time.Minute })
	c.publish("one")
	c.wait(30 * time.Second)
	c.publish("two")
	c.said = nil
	c.wait(31 * time.Second)
	c.say(1, "WANT 600000 $s.1-2")
	c.want("what has expired is gone", "1 GONE lost $s.1-1", "1 MSG two")
	c.upFor(3, 10*time.Second)
	c.said = nil
	c.say(3, "WANT 10000 $s.1-1")
	c.want("or old, for who is younger", "3 GONE old $s.1-1")
	c.publish("three")
	c.want("a message", "1 MSG three", "3 MSG three")
	c.down(3)
	c.wait(5 * time.Minute)
	if s := c.tree.Stats(); s.Retained != 0 || s.RetainedBytes != 0 || len(c.tree.log.chunks) != 0 {
		t.Fatalf("got %+v, want nothing kept", s)
	}
	c.up(2)
	c.want("and nothing to announce", "2 HAVE last")
	c.msg(1, 'a', 1, 2*time.Minute)
	c.wantIdle("what comes too late is dropped")
	c.msg(1, 'b', 1, 0)
	c.msg(1, 'b', 2, 2*time.Minute)
	c.msg(1, 'b', 3, 0)
	c.want("and closes its gap all the same", "deliver b1", "2 MSG b1", "deliver b3", "2 MSG b3")
	if s := c.tree.Stats(); s.Dropped["expired"] != 2 {
		t.Fatalf("got %+v, want two expired", s)
	}
}

// TestLateArrivalExpires has a message come late, and behind a newer one, so that it expires while the
// other is still kept.
func TestLateArrivalExpires(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.Retain = time.Minute })
	c.publish("new")
	c.msg(1, 'a', 1, 50*time.Second)
	c.msg(1, 'a', 2, 20*time.Second)
	c.said = nil
	c.wait(15 * time.Second)
	c.up(2)
	c.said = nil
	c.say(2, "WANT 600000 $s.1-1 $a.1-2")
	c.want("only what has not expired is served", "2 MSG new", "2 GONE lost $a.1-1", "2 MSG a2")
}

// TestLateArrivalIsLaidBare has a message expire behind a newer one that came before it, and that one make room.
func TestLateArrivalIsLaidBare(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.Retain, c.RetainBytes = time.Minute, 10000 })
	c.publish("new")
	c.msg(1, 'a', 1, 50*time.Second)
	c.wait(55 * time.Second)
	if o := c.tree.origins.findName(letter('a')); len(o.log) == 0 {
		t.Fatal("it is not kept any more")
	}
	for range 100 {
		c.publish("x")
		if err := c.tree.Check(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetentionOfBytes(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.RetainBytes = 10000 })
	for range 100 {
		c.publish("x")
	}
	s := c.tree.Stats()
	if s.RetainedBytes > 10000 || s.RetainedBytes < 9500 || s.Retained < 20 {
		t.Fatalf("got %+v, want just under the limit", s)
	}
	if _, _, held := c.tree.self.log.find(100); !held {
		t.Fatal("the newest are not kept")
	}
	if _, next, held := c.tree.self.log.find(1); held || next != 100-s.Retained+1 {
		t.Fatalf("the oldest kept is %d of %d", next, s.Retained)
	}
}

func TestOriginsAreForgotten(t *testing.T) {
	c := newTalk(t, 1, func(c *Config) { c.Retain = time.Minute })
	c.msg(1, 'a', 1, 0)
	c.want("a message", "deliver a1")
	c.wait(2 * time.Minute)
	c.msg(1, 'a', 1, 0)
	c.wantIdle("it is remembered for longer than it is kept")
	c.wait(2 * time.Minute)
	if s := c.tree.Stats(); s.Origins != 1 {
		t.Fatalf("got %+v, want only our own", s)
	}
	c.msgLow(1, 'a', 8, 7, 0)
	c.wait(20 * time.Millisecond)
	c.want("it may come back", "1 GRAFT $a.7-7")
	c.say(1, "GONE lost $a.7-7")
	c.want("what it said meanwhile may be lost", "lost $a.7-7", "deliver a8")
}

// A neighbor may have forgotten an origin that was silent for three windows, and then asks for what it has told
// us that it has.
func TestAskFromTheBeginning(t *testing.T) {
	c := newTalk(t, 1)
	c.publish("one")
	c.publish("two")
	c.said = nil
	c.say(1, "IHAVE $s.2")
	c.say(1, "PRUNE")
	c.publish("three")
	c.wait(ihaveDelay)
	c.want("its mark alone", "1 IHAVE $s.3")
	c.say(1, "GRAFT 60000 $s.1-3")
	c.want("all that it asks for", "1 MSG one", "1 MSG three", "1 MSG two")
}

// And we may have, when the first that we hear of it is a mark.
func TestMarkOfWhomWeHaveForgotten(t *testing.T) {
	c := newTalk(t, 2)
	c.msg(1, 'a', 1, 0)
	c.wait(40 * time.Minute)
	if c.tree.origins.findName(letter('a')) != nil {
		t.Fatal("it is not forgotten")
	}
	c.said = nil
	c.say(2, "IHAVE $a.3")
	c.wait(graftDelayMax)
	c.want("what is missing is asked for", "2 GRAFT $a.1-3")
	c.msgLow(2, 'a', 3, 3, 0)
	c.want("what its origin keeps no longer is not waited for", "deliver a3", "1 MSG a3")
	if lost := c.tree.Stats().Lost; lost > 0 {
		t.Errorf("%d count as lost", lost)
	}
}

// What nobody has any more is lost a window after it was announced, and not what was announced after it.
func TestLostOneByOne(t *testing.T) {
	c := newTalk(t, 2)
	c.msg(1, 'a', 1, 0)
	c.said = nil
	c.say(2, "IHAVE $a.2")
	c.wait(5 * time.Minute)
	c.say(2, "IHAVE $a.3")
	c.down(2)
	c.said = nil
	c.wait(5*time.Minute + 30*time.Second)
	c.wantIdle("somebody may come who has them, for as long as they are kept")
	c.wait(30 * time.Second)
	c.want("the one that was announced first has expired", "lost $a.2-2", "1 IHAVE $a.2")
	c.wait(4 * time.Minute)
	c.up(3)
	c.said = nil
	c.say(3, "HAVE last $a.3")
	c.want("the other has not", "3 WANT $a.3-3")
	c.msg(3, 'a', 3, 9*time.Minute)
	c.want("and comes", "deliver a3", "1 MSG a3", "caught up 3 1/1")
}

func TestNotedIsBounded(t *testing.T) {
	var n noted
	for i := range uint64(10_000) {
		n.add(i+1, instant(i)*instant(time.Second), instant(10*time.Minute))
	}
	if len(n) > 4*notedShare {
		t.Fatalf("%d entries", len(n))
	}
	if got := n.before(instant(9_000 * time.Second)); got < 8_950 || got > 9_001 {
		t.Errorf("by then number %d was announced", got)
	}
	if at := n.of(9_500); at < instant(9_499*time.Second) || at > instant(9_540*time.Second) {
		t.Errorf("it was announced by %v", at)
	}
}

// Whoever has said that all of it is gone is not waited for when a part is given up.
func TestGoneIsGone(t *testing.T) {
	c := newTalk(t, 2)
	c.say(2, "HAVE last $a.3")
	c.want("the first is asked", "2 WANT $a.1-3")
	c.say(1, "HAVE last $a.5")
	c.say(2, "GONE lost $a.1-3")
	c.want("then the other", "1 WANT $a.1-5", "caught up 2 0/3")
	c.say(2, "IHAVE $a.5")
	c.say(1, "GONE lost $a.1-5")
	c.want("what both have said to be gone is lost, and the rest is asked for at once", "2 WANT $a.4-5", "lost $a.1-3", "caught up 1 0/5")
}
