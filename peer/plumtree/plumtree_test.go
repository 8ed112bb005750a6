package plumtree

import (
	"testing"
	"time"
)

func TestEagerPush(t *testing.T) {
	c := newTalk(t, 3)
	c.msg(1, 'a', 1, 0)
	c.want("a new message is delivered and goes on to the others", "deliver a1", "2 MSG a1", "3 MSG a1")
	c.publish("hello")
	c.want("our own goes to all and is not delivered", "1 MSG hello", "2 MSG hello", "3 MSG hello")
	c.wait(time.Second)
	c.wantIdle("with eager links only there is nothing to announce")
}

func TestSecondCopyPrunes(t *testing.T) {
	c := newTalk(t, 3)
	c.msg(1, 'a', 1, 0)
	c.want("the first copy", "deliver a1", "2 MSG a1", "3 MSG a1")
	c.msg(2, 'a', 1, 0)
	c.want("the second copy prunes its link", "2 PRUNE")
	c.msg(2, 'a', 2, 0)
	c.want("what was under way when it was pruned is taken as it comes", "deliver a2", "1 MSG a2", "3 MSG a2")
	c.msg(1, 'b', 1, 0)
	c.want("payload no longer goes over the pruned link", "deliver b1", "3 MSG b1")
	c.wait(ihaveDelay)
	c.want("it gets marks, but not of what came from there", "2 IHAVE $b.1")
	c.msg(2, 'b', 1, 0)
	c.wantIdle("the prune is under way, so that a further copy is left alone")
	c.wait(pruneAgain)
	c.msg(2, 'a', 3, 0)
	c.want("who pushes what is new is in the tree", "deliver a3", "1 MSG a3", "3 MSG a3")
	c.msg(1, 'a', 4, 0)
	c.want("and gets payload again", "deliver a4", "2 MSG a4", "3 MSG a4")
}

func TestShorterWay(t *testing.T) {
	c := newTalk(t, 3)
	c.msgOver(5, 1, 'a', 1)
	c.want("the first copy", "deliver a1", "2 MSG a1", "3 MSG a1")
	c.msgOver(3, 2, 'a', 1)
	c.want("a second copy that came over fewer links is the better one", "1 PRUNE")
	c.say(2, "PRUNE")
	c.want("its sender had our copy cross its own, and does not know that we rely on it", "2 GRAFT")
	c.msgOver(3, 2, 'a', 2)
	c.want("so it goes on", "deliver a2", "3 MSG a2")
	c.publish("hello")
	c.want("and so do we", "2 MSG hello", "3 MSG hello")
	c.say(2, "PRUNE")
	c.publish("again")
	c.want("to be pruned once more is no misunderstanding", "3 MSG again")
}

func TestPruneIsAsked(t *testing.T) {
	c := newTalk(t, 2)
	c.say(2, "PRUNE")
	c.publish("one")
	c.publish("two")
	c.want("a link that pruned us gets no payload", "1 MSG one", "1 MSG two")
	c.wait(ihaveDelay)
	c.want("one mark announces both", "2 IHAVE $s.2")
	c.say(2, "GRAFT 60000 $s.2-2")
	c.want("a graft is served", "2 MSG two")
	c.publish("three")
	c.want("and makes the link eager", "1 MSG three", "2 MSG three")
}

func TestMarksMeet(t *testing.T) {
	c := newTalk(t, 2)
	c.say(2, "PRUNE")
	c.msg(1, 'a', 1, 0)
	c.say(2, "IHAVE $a.1")
	c.want("the message", "deliver a1")
	c.wait(time.Second)
	c.wantIdle("who announced as much need not be told")
}

func TestGraft(t *testing.T) {
	c := newTalk(t, 2)
	c.say(1, "IHAVE $a.1")
	c.wait(graftDelayMin - time.Millisecond)
	c.wantIdle("it may be on its way")
	c.wait(20 * time.Millisecond)
	c.want("what does not come is grafted", "1 GRAFT $a.1-1")
	c.msg(1, 'a', 1, 0)
	c.want("and goes on like any other", "deliver a1", "2 MSG a1")
	c.wait(10 * time.Second)
	c.wantIdle("then nothing is missing")
}

func TestGraftGoesRound(t *testing.T) {
	c := newTalk(t, 3)
	c.say(2, "IHAVE $a.3")
	c.say(3, "IHAVE $a.4")
	c.wait(50 * time.Millisecond)
	c.want("the first who announced is asked", "2 GRAFT $a.1-3")
	c.wait(graftPatience)
	c.want("if it is silent, the next", "3 GRAFT $a.1-4")
	c.msg(3, 'a', 1, 0)
	c.msg(3, 'a', 2, 0)
	c.msg(3, 'a', 3, 0)
	c.want("messages", "deliver a1", "1 MSG a1", "deliver a2", "1 MSG a2", "deliver a3", "1 MSG a3")
	c.wait(graftPatience / 2)
	c.msg(3, 'a', 4, 0)
	c.want("the last", "deliver a4", "1 MSG a4", "2 MSG a4")
	c.wait(time.Minute)
	c.wantIdle("nothing is missing")
}

func TestLossGraftsAtOnce(t *testing.T) {
	c := newTalk(t, 3)
	c.say(2, "IHAVE $a.5")
	c.down(1)
	c.want("what is known to be missing is grafted when an eager link is lost", "2 GRAFT $a.1-5")
	c.say(3, "IHAVE $b.1")
	c.want("what is announced then, too", "3 GRAFT $b.1-1")
	c.down(2)
	c.wantIdle("nobody else has announced a")
	c.say(3, "IHAVE $a.5")
	c.want("until somebody does", "3 GRAFT $a.1-5")
	c.wait(urgency)
	c.said = nil
	c.say(3, "IHAVE $d.1")
	c.wantIdle("later there is time again")
}

func TestHold(t *testing.T) {
	c := newTalk(t, 3)
	c.msg(1, 'a', 1, 0)
	c.want("the first", "deliver a1", "2 MSG a1", "3 MSG a1")
	c.msg(2, 'a', 3, 0)
	c.wantIdle("a message waits for its predecessor, and is not relayed without it")
	c.msg(2, 'a', 4, 0)
	c.msg(1, 'a', 2, 0)
	c.want("all come in order, but not to who sent them",
		"deliver a2", "3 MSG a2", "deliver a3", "1 MSG a3", "3 MSG a3", "deliver a4", "1 MSG a4", "3 MSG a4")
	c.wait(time.Minute)
	c.wantIdle("nothing is missing")
}

func TestHoldIsBounded(t *testing.T) {
	c := newTalk(t, 1)
	for seq := uint64(2); seq < maxHeld+12; seq++ {
		c.msg(1, 'a', seq, 0)
	}
	c.wait(20 * time.Millisecond)
	c.want("the gap is asked for", "1 GRAFT $a.1-1")
	if s := c.tree.Stats(); s.Dropped["hold-full"] != 10 || s.Limits["held"] != 10 {
		t.Fatalf("got %+v, want ten dropped", s)
	}
	c.msg(1, 'a', 1, 0)
	if s := c.tree.Stats(); s.Delivered != maxHeld+1 || s.Missing != 10 {
		t.Fatalf("got %+v, want all delivered that were held, and ten missing", s)
	}
	c.said = nil
	c.wait(20 * time.Millisecond)
	c.want("what was dropped is asked for again", "1 GRAFT $a.1026-1035")
}
