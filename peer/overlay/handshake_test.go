package overlay

import (
	"net/netip"
	"testing"
	"time"

	"hearsay/peer/wire"
)

func TestHandshake(t *testing.T) {
	t.Run("dial", func(t *testing.T) {
		c := newTalk(t)
		c.announced('n')
		c.want("a peer without links dials whom it hears", "dial n")
		c.opened(1, 'n')
		c.want("the dialler speaks first, and has no other link", "1 HELLO urgent")
		c.says(1, hello('n'))
		c.want("it waits for the verdict")
		c.says(1, welcome)
		c.want("the link is up", "up 1 n")
	})
	t.Run("accept", func(t *testing.T) {
		c := newTalk(t)
		conn := c.accept('n')
		c.want("the acceptor waits")
		c.says(conn, hello('n'))
		c.want("it answers with its own HELLO and the verdict, and finds out whether the peer can be dialled",
			"1 HELLO link", "1 WELCOME", "up 1 n", "dial n")
	})
	t.Run("out of turn", func(t *testing.T) {
		for what, frame := range map[string][]byte{"ping": wire.AppendPing(nil, wire.Ping{}), "welcome": welcome, "have": wire.AppendHave(nil, wire.Have{})} {
			c := newTalk(t)
			if c.says(c.accept('n'), frame) {
				t.Errorf("%s before HELLO was in its place", what)
			}
			c.want(what+" before HELLO", "1 CLOSE handshake", "hangup 1")
		}
		c := newTalk(t)
		conn := c.serves('n')
		c.says(conn, hello('n'))
		c.want("a second HELLO", "1 CLOSE handshake", "down 1 n handshake", "hangup 1")
		if c.says(conn, hello('n')) {
			t.Error("a frame on a connection that is gone was in its place")
		}
	})
	t.Run("silence", func(t *testing.T) {
		c := newTalk(t)
		c.accept('n')
		c.pass(handshakeFor - time.Millisecond)
		c.want("a HELLO may take two seconds")
		c.pass(time.Millisecond)
		c.want("and no longer", "1 CLOSE handshake", "hangup 1")
		if e := c.event(Accepted); e.Outcome != "timeout" {
			t.Errorf("the event says %q", e.Outcome)
		}
	})
	t.Run("self", func(t *testing.T) {
		c := newTalk(t, joining)
		c.o.Joined(c.now, []netip.AddrPort{host('n')})
		c.hear()
		c.opened(1, 'n')
		c.said = nil
		c.says(1, hello('m'))
		c.want("we have dialled ourselves", "1 CLOSE self", "hangup 1")
		c.alive(time.Hour)
		c.wantNot("and never do it again", "dial n")
	})
	t.Run("busy", func(t *testing.T) {
		c := newTalk(t)
		for range maxPending {
			c.accept('n')
		}
		c.accept('o')
		c.want("nobody has been silent for long: the last is one too many", "65 CLOSE busy", "hangup 65")
		c.pass(pendingGrace)
		c.accept('o')
		c.want("the oldest that has said nothing makes room", "1 CLOSE busy", "hangup 1")
	})
	t.Run("restart", func(t *testing.T) {
		c := newTalk(t)
		c.announced('n')
		c.opened(1, 'n')
		c.says(1, hello('o'))
		c.wantAmong("somebody else listens where n did: a stranger", "1 CLOSE probed")
		if c.o.view.find(id('n')) != nil || c.o.view.find(id('o')) != nil {
			t.Error("n or the stranger is in the passive view")
		}
		c = newTalk(t, joining)
		c.o.Joined(c.now, []netip.AddrPort{host('n')})
		c.hear()
		c.opened(1, 'n')
		c.says(1, hello('n'))
		c.says(1, closing(wire.ReasonBusy))
		c.opened(c.await(retryAlone, func(k *conn) bool { return k.addr == host('n') }), 'n')
		c.says(2, hello('o'))
		c.says(2, welcome)
		c.wantAmong("whom the join list names is one of us, whoever he is now", "up 2 o")
	})
}

func TestDialsBesideOneAnother(t *testing.T) {
	c := newTalk(t)
	c.announced('n')
	c.announced('o')
	c.announced('p')
	c.want("one slot, one dial", "dial n")
	c.pass(hedgeAfter)
	if len(c.said) != 1 {
		t.Fatalf("after 100 ms another is tried beside it: %q", c.said)
	}
	second := byte(c.said[0][5])
	c.said = nil
	c.opened(2, second)
	c.want("the first to connect gets the slot", "2 HELLO urgent")
	c.opened(1, 'n')
	c.want("the other parts before it has said anything", "hangup 1")
	c.pass(answerSoon)
	if len(c.said) != 1 {
		t.Fatalf("a peer that connects and does not answer, as a paused one, loses the slot: %q", c.said)
	}
}

func TestRefusedDials(t *testing.T) {
	c := newTalk(t)
	c.announced('n')
	waits := []time.Duration{}
	for conn := wire.Conn(1); conn < 12; conn++ {
		last := c.now
		c.closed(conn, wire.ReasonRefused)
		c.said = nil
		for len(c.said) == 0 {
			c.pass(10 * time.Millisecond)
		}
		waits = append(waits, c.now.Sub(last))
	}
	c.wantAmong("it is never given up", "dial n")
	if waits[0] > time.Second || waits[2] < time.Second {
		t.Errorf("the wait begins at half a second and doubles: %v", waits)
	}
	for _, w := range waits {
		if w > retryAlone*5/4+20*time.Millisecond {
			t.Errorf("a peer without links waits %v", w)
		}
	}
	if c.o.view.find(id('n')) == nil {
		t.Error("n is no longer in the passive view")
	}
	c.closed(12, wire.ReasonRefused)
	c.announced('n')
	c.pass(2 * time.Second)
	c.wantAmong("an announcement shortens the wait", "dial n")
}

func TestFullHouse(t *testing.T) {
	c := newTalk(t)
	c.dials('a', 1)
	c.serves('b', with(wire.Slots{Out: 1, Links: 1, In: 0, Serve: 2}))
	c.serves('c', with(wire.Slots{Out: 1, Links: 1, In: 1, Serve: 2}))
	c.o.trust.good.add(id('d'), host('d'), c.now.Add(time.Hour))
	conn := c.accept('d')
	c.says(conn, hello('d'))
	c.want("no slot: a referral to the least loaded", "4 HELLO link", "4 REFER full bca", "hangup 4")

	conn = c.accept('d')
	c.says(conn, hello('d', purpose(wire.PurposeUrgent), with(wire.Slots{Links: 1, Serve: 2})))
	c.want("a peer without links gets the slot of the one with most, who is told to go there",
		"3 REFER room dba", "down 3 c room", "hangup 3", "5 HELLO urgent", "5 WELCOME", "up 5 d")
	if e := c.event(Accepted); !e.Priority || e.Outcome != "linked" {
		t.Errorf("the event says %+v", e)
	}

	c.o.trust.good.add(id('e'), host('e'), c.now.Add(time.Hour))
	conn = c.accept('e')
	c.says(conn, hello('e', purpose(wire.PurposeUrgent), with(wire.Slots{In: 1, Links: 1, Serve: 1})))
	c.wantAmong("who has a link and no slot for the displaced is refused", "6 REFER full b")
}

func TestReferral(t *testing.T) {
	c := newTalk(t, sampled)
	c.announced('n')
	c.opened(1, 'n')
	c.says(1, hello('n', with(wire.Slots{Out: 1, Links: 1, In: 2, Serve: 2})))
	c.said = nil
	c.says(1, refer(wire.ReasonFull, 'o', 'm'))
	c.want("the next dial is by the referral's word, and not to ourselves", "hangup 1", "dial o")
	c.closed(2, wire.ReasonRefused)
	first, second := c.seen[len(c.seen)-2], c.seen[len(c.seen)-1]
	if first.Outcome != "referred" || second.By != "referral" || second.Parent != first.Context || !second.Context.Valid() {
		t.Errorf("the second dial is not the first one's child:\n%+v\n%+v", first, second)
	}
}

func TestOneLinkPerPair(t *testing.T) {
	t.Run("it has lost the link that it dialled", func(t *testing.T) {
		c := newTalk(t)
		c.serves('n')
		c.pass(time.Second)
		c.said = nil
		c.says(c.accept('n'), hello('n'))
		c.want("the new link replaces the old", "1 CLOSE replaced", "down 1 n replaced", "hangup 1", "2 HELLO link", "2 WELCOME", "up 2 n")
	})
	t.Run("somebody else takes its name", func(t *testing.T) {
		c := newTalk(t)
		c.serves('n')
		c.says(c.accept('x'), hello('n'))
		c.wantAmong("a neighbor that speaks keeps its link", "2 CLOSE duplicate")
	})
	t.Run("we dialled it, and it speaks", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.alive(10*time.Second, 1)
		c.said = nil
		c.says(c.accept('n'), hello('n'))
		c.wantAmong("one too many", "2 CLOSE duplicate")
	})
	t.Run("we dialled it, and it is silent", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.alive(10*time.Second, 1)
		c.pass(time.Second)
		c.said = nil
		conn := c.accept('n')
		c.says(conn, hello('n'))
		c.wantAmong("it has lost our link", "down 1 n replaced")
	})
	t.Run("both dial, ours is the lower ID", func(t *testing.T) {
		c := newTalk(t)
		c.announced('n')
		c.said = nil
		c.says(c.accept('n'), hello('n'))
		c.want("our dial wins", "2 HELLO link", "2 CLOSE duplicate", "hangup 2")
	})
	t.Run("both dial, ours is the higher ID", func(t *testing.T) {
		c := newTalk(t)
		c.announced('a')
		c.said = nil
		c.says(c.accept('a'), hello('a'))
		c.want("theirs wins", "hangup 1", "2 HELLO link", "2 WELCOME", "up 2 a", "dial a")
	})
}
