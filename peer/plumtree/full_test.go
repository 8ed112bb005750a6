package plumtree

import (
	"testing"
	"time"

	"hearsay/peer/wire"
)

func TestFullLinkIsServedFromTheLog(t *testing.T) {
	c := newTalk(t, 3)
	c.full(2, true)
	c.msg(1, 'a', 1, 0)
	c.msg(1, 'a', 2, 0)
	c.msg(1, 'b', 1, 0)
	c.want("a full link gets nothing", "deliver a1", "deliver a2", "deliver b1", "3 MSG a1", "3 MSG a2", "3 MSG b1")
	c.full(2, false)
	c.want("until it has drained", "2 MSG a1", "2 MSG a2", "2 MSG b1")
	c.msg(1, 'a', 3, 0)
	c.want("it has stayed eager", "deliver a3", "2 MSG a3", "3 MSG a3")
	c.full(2, true)
	c.msg(1, 'a', 4, 0)
	c.msg(1, 'a', 5, 0)
	c.want("full again", "deliver a4", "deliver a5", "3 MSG a4", "3 MSG a5")
	c.say(2, "IHAVE $a.4")
	c.full(2, false)
	c.want("what it has got from others is left out", "2 MSG a5")
}

func TestPrunedWhileFull(t *testing.T) {
	c := newTalk(t, 2)
	c.msg(1, 'a', 1, 0)
	c.want("a message", "deliver a1", "2 MSG a1")
	c.full(2, true)
	c.msg(1, 'a', 2, 0)
	c.say(2, "PRUNE")
	c.want("what the link was to get", "deliver a2")
	c.full(2, false)
	c.want("becomes a mark", "2 IHAVE $a.2")
	c.say(2, "WANT 600000 $a.2-2")
	c.msg(1, 'a', 3, 0)
	c.want("what it asks for it gets, and no more", "2 MSG a2", "deliver a3")
}

func TestLaggardTurnsLazy(t *testing.T) {
	c := newTalk(t, 2)
	c.full(2, true)
	c.msg(1, 'a', 1, 0)
	c.want("a full link", "deliver a1")
	c.wait(fullPatience)
	c.msg(1, 'a', 2, 0)
	c.msg(1, 'a', 3, 0)
	c.want("is a laggard after a while", "deliver a2", "deliver a3")
	if c.tree.Eager(2) {
		t.Fatal("a laggard is still eager")
	}
	c.full(2, false)
	c.want("it is told what there is", "2 IHAVE $a.3")
	c.say(2, "GRAFT 600000 $a.1-3")
	c.want("and pulls what it lacks", "2 MSG a1", "2 MSG a2", "2 MSG a3")
	c.msg(1, 'a', 4, 0)
	c.want("then it is eager again", "deliver a4", "2 MSG a4")
}

func TestPublishIsRefused(t *testing.T) {
	c := newTalk(t, 2)
	c.wantError("a body over the limit", c.publish(string(make([]byte, wire.MaxBody+1))), ErrTooLong)
	c.wantError("a body at the limit", c.publish(string(make([]byte, wire.MaxBody))), nil)
	c.said = nil
	c.full(1, true)
	c.wantError("while a link is full", c.publish("x"), ErrBusy)
	c.wait(fullPatience)
	c.wantError("not for a laggard", c.publish("x"), nil)
	c.full(2, true)
	c.wantError("while another is full", c.publish("x"), ErrBusy)
	c.wait(fullPatience)
	c.wantError("while all are full", c.publish("x"), ErrBusy)
	c.down(1)
	c.down(2)
	c.wantError("alone", c.publish("x"), nil)
	if seq := c.tree.Stats().Published; seq != 3 {
		t.Fatalf("published %d, want 3: what is refused takes no number", seq)
	}
}

func TestServingPausesWhileFull(t *testing.T) {
	c := newTalk(t, 1)
	body := string(make([]byte, 10000))
	for range 20 {
		c.publish(body)
	}
	c.up(2)
	c.said = nil
	sent := func() (n int) {
		for _, s := range c.tree.Effects().Sends {
			n += len(s.Frame)
		}
		return n
	}
	c.tree.Receive(c.now, 2, &wire.Frame{Verb: wire.VerbWant, Control: &wire.Want{Uptime: time.Hour, Ranges: []wire.Range{{Origin: letter('s'), First: 1, Last: 20}}}}, c.now)
	if n := sent(); n < sliceBytes || n > sliceBytes+12000 {
		t.Fatalf("a turn sends %d bytes, want a slice of about %d", n, sliceBytes)
	}
	if d := c.tree.Deadline(); d.After(c.now) {
		t.Fatalf("more is owed, but Deadline is %v from now", d.Sub(c.now))
	}
	c.tree.Full(c.now, 2, true)
	if n := sent(); n > 0 {
		t.Fatalf("sent %d bytes on a full link", n)
	}
	if d := c.tree.Deadline(); !d.After(c.now) {
		t.Fatal("a full link keeps the loop awake")
	}
	c.tree.Full(c.now, 2, false)
	total := 0
	for n := sent(); n > 0; n = sent() {
		total += n
	}
	if total < 12*10000 {
		t.Fatalf("sent %d bytes after it drained, want the rest", total)
	}
}

func TestNewMessagesDoNotOvertake(t *testing.T) {
	c := newTalk(t, 1)
	body := string(make([]byte, 50000))
	for range 5 {
		c.publish(body)
	}
	c.up(2)
	c.said = nil
	c.tree.Receive(c.now, 2, &wire.Frame{Verb: wire.VerbGraft, Control: &wire.Graft{Uptime: time.Hour, Ranges: []wire.Range{{Origin: letter('s'), First: 1, Last: 5}}}}, c.now)
	c.publish("six")
	if got := c.said[len(c.said)-1]; got != "2 MSG six" {
		t.Fatalf("the last on the link is %q, want what is newest", got[:20])
	}
}
