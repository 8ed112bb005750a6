package overlay

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

func TestSiphoners(t *testing.T) {
	six := slots(3, 6)
	wanted := with(wire.Slots{Links: 3, Serve: 6})
	t.Run("dial-back", func(t *testing.T) {
		c := newTalk(t, six)
		c.says(c.accept('n'), hello('n', wanted))
		c.want("the first whom nobody has dialled is welcome, and dialled back beside", "1 HELLO link", "1 WELCOME", "up 1 n", "dial n")
		c.says(c.accept('o'), hello('o', wanted))
		c.want("the second waits for its dial-back", "dial o")
		c.opened(4, 'o')
		c.want("which says why it comes", "4 HELLO verify")
		c.says(4, hello('o', wanted))
		c.want("o can be dialled, so it is welcome", "4 CLOSE probed", "3 HELLO link", "3 WELCOME", "up 3 o", "hangup 4")
		if e := c.seen[len(c.seen)-2]; e.Outcome != "verified" {
			t.Errorf("the dial-back's event says %+v", e)
		}
		c.says(3, closing(wire.ReasonRotate))
		c.said = nil
		c.says(c.accept('o'), hello('o', wanted))
		c.wantAmong("it is remembered", "5 WELCOME")
	})
	t.Run("cannot be dialled", func(t *testing.T) {
		c := newTalk(t, six)
		c.says(c.accept('n'), hello('n', wanted))
		c.says(c.accept('o'), hello('o', wanted))
		c.said = nil
		c.closed(4, wire.ReasonRefused)
		c.want("the second is referred", "3 HELLO link", "3 REFER siphoner n", "hangup 3")
		c.says(c.accept('o'), hello('o', wanted))
		c.want("and not dialled again at once", "5 HELLO link", "5 REFER siphoner n", "hangup 5")
		c.says(c.accept('p'), hello('p', wanted))
		c.said = nil
		c.pass(heldFor)
		c.wantAmong("nobody is held for longer than half a second", "6 REFER siphoner")
		if got := len(c.o.Links()); got != 1 {
			t.Errorf("%d links", got)
		}
	})
	t.Run("gives another's address for its own", func(t *testing.T) {
		c := newTalk(t, six)
		c.says(c.accept('n'), hello('n', wanted))
		c.says(c.accept('o'), hello('o', wanted))
		c.opened(4, 'o')
		c.said = nil
		c.says(4, hello('x', wanted))
		c.want("whoever answers there does not vouch for it", "4 CLOSE probed", "3 HELLO link", "3 REFER siphoner n", "hangup 3", "hangup 4")
		if p := c.o.view.find(id('x')); p != nil {
			t.Error("and is not one of us by a liar's word: it may belong to another mesh")
		}
	})
	t.Run("serves less than it opens", func(t *testing.T) {
		c := newTalk(t, six)
		less := with(wire.Slots{Links: 3, Serve: 2})
		c.says(c.accept('n'), hello('n', less))
		c.want("it gets the guests' slot, and no dial-back can change what it is", "1 HELLO link", "1 WELCOME", "up 1 n")
		c.says(c.accept('o'), hello('o', less))
		c.want("which is all that its like get", "2 HELLO link", "2 REFER siphoner n", "hangup 2")
	})
	t.Run("goes first", func(t *testing.T) {
		c := newTalk(t, slots(1, 2))
		c.says(c.accept('n'), hello('n'))
		c.closed(2, wire.ReasonRefused) // its dial-back
		c.serves('o')
		c.said = nil
		c.o.trust.good.add(id('p'), host('p'), c.now.Add(time.Hour))
		c.says(c.accept('p'), hello('p'))
		c.wantAmong("a full house has room for who serves", "down 1 n room")
	})
	t.Run("says full and has slots", func(t *testing.T) {
		c := newTalk(t, six)
		c.announced('n')
		c.opened(1, 'n')
		c.says(1, hello('n', wanted))
		c.says(1, refer(wire.ReasonFull))
		c.serves('a')
		conn := c.accept('b')
		c.says(conn, hello('b', with(wire.Slots{Links: 3, Serve: 2})))
		c.said = nil
		conn = c.accept('n')
		c.says(conn, hello('n', wanted))
		c.wantAmong("a liar is no better than who cannot be dialled", fmt.Sprint(conn, " REFER siphoner"))
	})
}

func TestLiveness(t *testing.T) {
	t.Run("ping and pong", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.full = true
		c.pass(time.Second)
		c.wantAmong("each second", "1 PING")
		c.now = c.now.Add(3 * time.Millisecond)
		c.says(1, wire.AppendPing(nil, wire.Ping{Nonce: 5, Slots: wire.Slots{Links: 1, Serve: 9}}))
		c.want("an answer", "1 PONG")
		if l := c.o.linkTo(id('n')); l.slots.Serve != 9 {
			t.Error("its load is not noted")
		}
	})
	t.Run("silence", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.alive(10*time.Second, 1)
		c.said = nil
		c.pass(silentFor - time.Second - time.Millisecond)
		c.wantNot("not yet", "down")
		c.pass(time.Millisecond)
		c.wantAmong("three silent seconds", "down 1 n timeout")
	})
	t.Run("any byte is a sign of life", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.alive(time.Minute, 1)
		c.wantNot("it says no PONG, and yet it lives", "down")
	})
	t.Run("we are late ourselves", func(t *testing.T) {
		c := newTalk(t)
		c.dials('n', 1)
		c.now = c.now.Add(20 * time.Second)
		c.o.Advance(c.now)
		c.hear()
		c.wantNot("twenty seconds in which we did not run are not held against anybody", "down")
		if got := c.o.patience(); got != 4*silentFor {
			t.Errorf("patience is %v", got)
		}
		c.alive(20*time.Second, 1)
		if got := c.o.patience(); got != silentFor {
			t.Errorf("after twenty seconds on time, patience is %v", got)
		}
	})
}

func TestRootBeacon(t *testing.T) {
	mesh := func(t *testing.T) (*talk, wire.Conn, wire.Conn) {
		c := newTalk(t, slots(2, 2))
		c.dials('n', 1)
		conn := c.serves('o')
		c.full = true
		return c, 1, conn
	}
	t.Run("passed on once", func(t *testing.T) {
		c, n, o := mesh(t)
		c.says(n, beacon('a', 7))
		c.want("news goes to all others", "2 ROOT a 7", "inconsistent")
		c.says(o, beacon('a', 7))
		c.want("once")
		c.says(o, beacon('a', 6))
		c.want("and nothing older")
		c.says(n, beacon('b', 9))
		c.want("a higher root is not followed, but everybody must know that it is in this part", "2 ROOT b 9")
		if a := c.o.Announcement(); a.Root != id('a') || a.RootSeq != 7 {
			t.Errorf("we follow %v %d", name(a.Root), a.RootSeq)
		}
	})
	t.Run("a lower peer begins at once", func(t *testing.T) {
		c, n, _ := mesh(t)
		c.says(n, beacon('n', 7))
		c.want("it takes the place of a higher root", "2 ROOT n 7", "inconsistent", "1 ROOT m 1", "2 ROOT m 1", "announce beacon")
		if !c.o.IsRoot() {
			t.Error("not the root")
		}
	})
	t.Run("a dead root does not come back", func(t *testing.T) {
		c, n, o := mesh(t)
		c.says(n, beacon('a', 7))
		c.alive(rootFor+rootJitter+candidateFor, n, o)
		if !c.o.IsRoot() {
			t.Fatal("nobody has been heard for seven seconds, and we are not the root")
		}
		c.said = nil
		c.says(n, beacon('a', 7))
		c.want("its old beacons mean nothing")
		c.says(n, beacon('a', 8))
		c.wantAmong("a new one does", "2 ROOT a 8")
	})
	t.Run("a broken link to the root", func(t *testing.T) {
		c := newTalk(t, slots(2, 2))
		c.dials('a', 1, rooted('a', 1))
		conn := c.serves('o')
		c.says(1, beacon('a', 1))
		c.closed(1, wire.ReasonReset)
		c.alive(rootLostFor+rootJitter+candidateFor, conn)
		if !c.o.IsRoot() {
			t.Error("the root has died loudly, and after four seconds there is no other")
		}
	})
	t.Run("a liar with our name", func(t *testing.T) {
		c, n, o := mesh(t)
		c.alive(3*time.Second, n, o)
		c.said = nil
		c.says(n, beacon('m', 1000))
		c.want("it is not passed on")
		c.alive(3*time.Second, n, o)
		c.wantAmong("it is overtaken", "1 ROOT m 1001")
		c.says(n, beacon('a', wire.MaxSeq))
		c.want("nobody has counted so far")
	})
}

func TestBridge(t *testing.T) {
	other := func(a *wire.Announcement) {
		a.Root, a.RootSeq, a.Slots = id('b'), 5, wire.Slots{Out: 1, Links: 1, In: 2, Serve: 2}
	}
	// full is a peer in a mesh that follows root a, with every slot taken.
	full := func(t *testing.T) *talk {
		c := newTalk(t, slots(1, 1))
		c.dials('n', 1)
		c.serves('o', with(wire.Slots{Out: 1, Links: 1, In: 1, Serve: 1}))
		c.says(1, beacon('a', 3))
		c.said = nil
		return c
	}
	t.Run("both sides are full", func(t *testing.T) {
		c := full(t)
		c.announced('x', other)
		conn := c.await(bridgeMax, isBridge, 1, 2)
		c.opened(conn, 'x')
		c.want("the acceptor must know that it matters", fmt.Sprint(conn, " HELLO bridge"))
		c.says(conn, hello('x', rooted('b', 5)))
		c.want("nothing is given up before the verdict")
		c.says(conn, welcome)
		c.want("and then in the same step", "1 REFER room xo", "down 1 n room", "hangup 1", fmt.Sprintf("up %d x", conn))
	})
	t.Run("another was faster", func(t *testing.T) {
		c := full(t)
		c.announced('x', other)
		c.says(1, beacon('b', 5))
		if c.await(bridgeMax, isBridge, 1, 2) != 0 {
			t.Error("its root's beacon has come by a link, so it is in our part")
		}
	})
	t.Run("the roots become one while it dials", func(t *testing.T) {
		c := full(t)
		c.announced('x', other)
		conn := c.await(bridgeMax, isBridge, 1, 2)
		c.says(1, beacon('b', 5))
		c.said = nil
		c.opened(conn, 'x')
		c.want("it parts without a word", fmt.Sprint("hangup ", conn))
		if e := c.event(Dialled); e.Outcome != "cancelled" {
			t.Errorf("the event says %+v", e)
		}
	})
	t.Run("accepted by a full peer", func(t *testing.T) {
		c := full(t)
		c.o.trust.good.add(id('x'), host('x'), c.now.Add(time.Hour))
		c.says(c.accept('x'), hello('x', purpose(wire.PurposeBridge), rooted('b', 5)))
		c.want("an incoming link makes room", "2 REFER room xn", "down 2 o room", "hangup 2", "3 HELLO bridge", "3 WELCOME", "up 3 x")
	})
	t.Run("a bridge that is not needed", func(t *testing.T) {
		c := full(t)
		c.says(c.accept('x'), hello('x', purpose(wire.PurposeBridge), rooted('a', 3)))
		c.want("same root, same part", "3 HELLO bridge", "3 CLOSE probed", "hangup 3")
	})
	t.Run("a young bridge is spared", func(t *testing.T) {
		c := newTalk(t, slots(1, 2))
		c.dials('n', 1)
		c.says(1, beacon('a', 3))
		c.o.trust.good.add(id('x'), host('x'), c.now.Add(time.Hour))
		c.says(c.accept('x'), hello('x', purpose(wire.PurposeBridge), rooted('b', 5), with(wire.Slots{Out: 5, Links: 6, In: 5, Serve: 6})))
		c.serves('o')
		c.o.trust.good.add(id('p'), host('p'), c.now.Add(time.Hour))
		c.said = nil
		c.says(c.accept('p'), hello('p', purpose(wire.PurposeUrgent), with(wire.Slots{Links: 1, Serve: 2})))
		c.wantAmong("though its far side has more links", "down 3 o room")
		c.o.trust.good.add(id('y'), host('y'), c.now.Add(time.Hour))
		c.says(c.accept('y'), hello('y', purpose(wire.PurposeBridge), rooted('c', 5)))
		c.wantAmong("half of the slots are for bridges, and the one that holds them is too young to go", "5 REFER full")
		c.alive(bridgeRest, 1, 2, 4)
		c.says(1, beacon('a', 5))
		c.said = nil
		c.says(c.accept('y'), hello('y', purpose(wire.PurposeBridge), rooted('c', 9)))
		c.wantAmong("later it goes, not another", "down 2 x room")
	})
	t.Run("a newcomer is no part", func(t *testing.T) {
		c := full(t)
		c.announced('x', other, func(a *wire.Announcement) { a.Slots.Out, a.Slots.In, a.Seeking = 0, 0, true })
		if c.await(bridgeMax, isBridge, 1, 2) != 0 {
			t.Error("whoever has no link joins like anybody")
		}
	})
	t.Run("cut off from our own root", func(t *testing.T) {
		c := full(t)
		newer := func(a *wire.Announcement) { a.Root, a.RootSeq = id('a'), 4 }
		c.alive(2*time.Second, 1, 2)
		c.announced('x', newer)
		if c.await(2*time.Second, isBridge, 1, 2) != 0 {
			t.Error("one beacon may be late")
		}
		c.announced('x', func(a *wire.Announcement) { a.Root, a.RootSeq = id('a'), 5 })
		if c.await(bridgeMax, isBridge, 1, 2) == 0 {
			t.Error("two are not")
		}
	})
	t.Run("liars", func(t *testing.T) {
		c := full(t)
		c.full = true
		for i := range 10000 {
			c.announced(byte('A'+i%26), other, func(a *wire.Announcement) { a.Root, a.RootSeq = wire.NewID(c.o.rng), 1<<30 })
			if i%10 == 0 {
				c.o.Alive(c.now, 1)
				c.o.Alive(c.now, 2)
				c.pass(10 * time.Millisecond)
			}
		}
		dials, news := 0, 0
		for _, s := range c.said {
			if strings.HasPrefix(s, "dial") {
				dials++
			}
			if s == "inconsistent" {
				news++
			}
		}
		if dials > 25 || news > 20 {
			t.Errorf("in ten seconds of lies we dialled %d times, and began to announce afresh %d times", dials, news)
		}
	})
}

func TestProbes(t *testing.T) {
	c := newTalk(t)
	c.dials('n', 1)
	c.o.learn(candidates('o'), "shuffle", wire.Context{}, host('n').Addr())
	conn := c.serves('p')
	c.says(1, beacon('a', 1))
	c.closed(conn, wire.ReasonReset)
	probe := c.await(3*time.Second, isProbe, 1)
	c.opened(probe, 'p')
	c.want("soon after a loss the lost neighbor is probed", fmt.Sprint(probe, " HELLO probe"))
	c.says(probe, hello('p', rooted('b', 1)))
	c.wantAmong("they compare roots and part", fmt.Sprint(probe, " CLOSE probed"))
	if c.await(bridgeRootMax+10*time.Millisecond, isBridge, 1) == 0 {
		t.Error("and do not bridge")
	}
}

// Whoever stands on everybody's join list, and on his own, is looked for when he starts again, and knows nobody.
func TestProbedWithoutLinks(t *testing.T) {
	c := newTalk(t, joining, slots(2, 2))
	c.said = nil
	conn := c.accept('n')
	c.says(conn, hello('n', purpose(wire.PurposeProbe), with(wire.Slots{Out: 2, Links: 2, In: 2, Serve: 2})))
	c.want("whoever probes it is dialled", "1 HELLO probe", "1 CLOSE probed", "hangup 1", "dial n")
	c.opened(2, 'n')
	c.wantAmong("and asked for room", "2 HELLO urgent")
	c.says(2, hello('n'))
	c.says(2, welcome)
	c.said = nil
	c.says(c.accept('o'), hello('o', purpose(wire.PurposeProbe)))
	c.want("with a link it waits to be announced, or told of", "3 HELLO probe", "3 CLOSE probed", "hangup 3")
}

// Where the join list and all former neighbors are dead, the way back leads over whom we only know by others.
func TestProbesOfStrangers(t *testing.T) {
	c := newTalk(t, joining, slots(2, 2))
	c.o.Joined(c.now, []netip.AddrPort{host('j')})
	c.dials('n', 2)
	c.says(2, beacon('a', 1))
	conn := c.serves('p')
	c.o.learn(candidates('o'), "shuffle", wire.Context{}, host('n').Addr())
	c.closed(conn, wire.ReasonReset)
	seen := map[string]int{}
	for range 20 {
		k := c.await(2*probeMax, isProbe, 2)
		if k == 0 {
			t.Fatalf("no probe for two minutes: %v", seen)
		}
		seen[hostName(c.o.conns[k].addr)]++
		c.closed(k, wire.ReasonUnreached)
	}
	for _, who := range []string{"j", "p", "o"} {
		if seen[who] < 2 {
			t.Errorf("of 20 probes %v went to %s", seen, who)
		}
	}
}

func TestHealing(t *testing.T) {
	c := newTalk(t, sampled, slots(2, 2))
	c.dials('n', 1)
	c.dials('o', 2)
	c.announced('p')
	c.want("all slots are taken")
	lost := c.o.linkTo(id('n')).context
	c.closed(1, wire.ReasonReset)
	c.want("the link is replaced at once, by somebody else", "down 1 n reset", "dial p")
	c.now = c.now.Add(5 * time.Millisecond)
	c.opened(3, 'p')
	c.says(3, hello('p'))
	c.says(3, welcome)
	healed := c.event(Healed)
	if healed.Outcome != "linked" || healed.End.Sub(healed.Start) != 5*time.Millisecond || healed.Link != lost || !healed.Context.Valid() {
		t.Errorf("the healing is told as %+v", healed)
	}
	if dial := c.event(Dialled); dial.Parent != healed.Context {
		t.Errorf("the dial that mends is not its child: %+v", dial)
	}
	if s := c.o.Stats(); s.Healed != 1 || s.HealedLast != 5*time.Millisecond {
		t.Errorf("counted as %+v", s)
	}
	c.closed(2, wire.ReasonReset)
	c.said = nil
	for i := wire.Conn(4); i < 8; i++ {
		c.closed(i, wire.ReasonRefused)
	}
	if healed := c.event(Healed); healed.Outcome != "saturated" {
		t.Errorf("nobody is left to dial, and the healing is told as %+v", healed)
	}
	if c.o.Seeking() {
		t.Error("nobody is left, and yet it seeks")
	}
}

// A peer that announces itself and cannot be dialled has its neighbors change their minds no more about
// whether they seek: each change would be told to everybody at once, by all of them.
func TestWhoCannotBeDialledIsNotSought(t *testing.T) {
	c := newTalk(t, slots(3, 3))
	c.dials('a', 1)
	b := c.serves('b')
	c.full = true
	dials := 0
	for i := range 20 {
		c.alive(5*time.Second, 1, b)
		c.said = nil
		c.announced('n')
		if i == 0 && !c.o.Seeking() {
			t.Fatal("whoever has just come may have a slot")
		}
		if d := c.dialling(func(k *conn) bool { return k.peer == id('n') }); d != 0 {
			c.closed(d, wire.ReasonUnreached)
			dials++
		}
		if i >= shutAfter {
			c.wantNot("whether it can be dialled is no news any more", "inconsistent")
		}
	}
	if dials < 15 {
		t.Errorf("it was dialled %d times: each sign of life is worth a try", dials)
	}
}

// A full peer on whom now one dial fails and now another does not, since packets are lost, is gone and back all the
// time. Nobody's links change by that, and so it is hardly news.
func TestWhoIsHardlyReachedIsHardlyNews(t *testing.T) {
	const rounds, every = 60, 4 * time.Second
	c := newTalk(t, slots(3, 3)) // it is the root, and probes all the time
	c.dials('n', 1)
	q := c.serves('q')
	c.announced('p', func(a *wire.Announcement) { a.Slots = wire.Slots{Out: 2, Links: 3, In: 3, Serve: 3} })
	c.full = true
	news, turned := 0, 0
	for i := range rounds {
		before := c.o.Seeking()
		c.said = nil
		for end := c.now.Add(every); c.now.Before(end); {
			c.alive(time.Second, 1, q)
			for d := c.dialling(anyDial); d != 0; d = c.dialling(anyDial) {
				if i%2 == 0 {
					c.closed(d, wire.ReasonUnreached)
				} else {
					c.opened(d, 'p')
					c.says(d, hello('p'))
					c.says(d, refer(wire.ReasonFull))
				}
			}
		}
		if c.o.Seeking() != before {
			turned++
		}
		for _, line := range c.said {
			if line == "inconsistent" {
				news++
			}
		}
	}
	if turned < rounds/2 {
		t.Errorf("it changed its mind %d times in %d rounds: nothing was tried", turned, rounds)
	}
	if most := turnsBurst + int(rounds*every/turnEvery) + 1; news > most {
		t.Errorf("it was told %d times, %d times would do", news, most)
	}
	if c.o.Stats().Limits["turns"] == 0 {
		t.Error("the limit is not counted")
	}
}

func TestGoodbye(t *testing.T) {
	c := newTalk(t)
	c.dials('n', 1)
	c.says(1, closing(wire.ReasonGoodbye))
	if c.o.view.find(id('n')) != nil {
		t.Error("who said goodbye is still known")
	}
	c.dials('o', 2)
	c.announced('p')
	c.full = true
	c.o.Leave(c.now)
	c.hear()
	c.want("our own", "2 CLOSE goodbye", "down 2 o goodbye", "hangup 2", "announce goodbye")
	if !c.o.Announcement().Leaving || c.o.Seeking() || !c.o.Deadline().IsZero() {
		t.Error("it is not over")
	}
	c.says(c.accept('q'), hello('q'))
	c.want("nobody is welcome any more", "3 CLOSE goodbye", "hangup 3")
}

func TestAnswers(t *testing.T) {
	seeking := func(a *wire.Announcement) { a.Seeking, a.Slots.Out = true, 0 }
	c := newTalk(t)
	c.dials('n', 1)
	if c.announced('o', seeking) {
		t.Error("what a seeker says is not what we say")
	}
	c.want("not all at once")
	c.pass(answerWithin)
	c.want("a seeker is answered", "announce answer to o")
	for range 10 {
		c.announced('o', seeking)
	}
	c.pass(answerEvery - answerWithin)
	c.want("once in a second")
	c.pass(answerWithin)
	c.announced('o', seeking)
	c.pass(answerWithin)
	c.wantAmong("and then again", "announce answer to o")
	c.serves('p')
	c.serves('q')
	c.alive(2*time.Second, 1, 2, 3)
	c.announced('o', seeking)
	c.pass(answerWithin)
	c.wantNot("a full peer has nothing to offer to who has links", "announce")
	c.announced('r', seeking, func(a *wire.Announcement) { a.Slots.In = 0 })
	c.pass(answerWithin)
	c.want("but makes room for who has none", "announce answer to r")
}

func TestShuffle(t *testing.T) {
	c := newTalk(t, slots(2, 3))
	c.full = true
	c.dials('n', 1)
	conn := c.serves('o')
	other := c.serves('p')
	c.announced('q')
	c.said = nil
	c.says(conn, wire.AppendShuffle(nil, wire.Shuffle{TTL: 1, Candidates: candidates('r', 'm', 'n')}))
	c.wantAmong("the walk ends here", fmt.Sprint(conn, " SHUFFLEREPLY"))
	if p := c.o.view.find(id('r')); p == nil || p.by != "shuffle" {
		t.Error("r is not in the passive view")
	}
	if c.o.view.find(id('m')) != nil || c.o.view.find(id('n')) != nil {
		t.Error("ourselves or a neighbor is in the passive view")
	}
	c.says(conn, wire.AppendShuffle(nil, wire.Shuffle{TTL: 3, Candidates: candidates('s')}))
	if len(c.said) == 0 || c.said[0] != "1 SHUFFLE 2 s" && c.said[0] != fmt.Sprint(other, " SHUFFLE 2 s") {
		t.Errorf("the walk goes on, not back: %q", c.said)
	}
	c.said = nil
	for range 100 {
		c.says(conn, wire.AppendShuffle(nil, wire.Shuffle{TTL: 1}))
	}
	if len(c.said) > walksPerSecond {
		t.Errorf("%d answers in no time", len(c.said))
	}
}

func TestRotation(t *testing.T) {
	c := newTalk(t, slots(2, 4))
	busy := with(wire.Slots{Out: 2, Links: 2, In: 2, Serve: 4})
	c.dials('n', 1, busy)
	c.dials('o', 2, busy)
	c.serves('p')
	c.announced('q')
	var conn wire.Conn
	for conn == 0 {
		for _, l := range []wire.Conn{1, 2, 3} {
			c.says(l, wire.AppendPing(nil, wire.Ping{Slots: wire.Slots{Out: 2, Links: 2, In: 2, Serve: 4}}))
		}
		c.announced('q') // a probe has just failed to reach it
		if conn = c.await(time.Second, isRotation); c.now.Sub(epoch) > time.Hour {
			t.Fatal("no rotation in an hour")
		}
	}
	c.opened(conn, 'q')
	c.says(conn, hello('q'))
	c.wantNot("the old link stays until the new one is up", "down")
	c.says(conn, welcome)
	c.wantAmong("and then goes", fmt.Sprintf("up %d q", conn))
	if s := c.o.Slots(); s.Out != 2 {
		t.Errorf("%d links out", s.Out)
	}
}

// The trace of one discovery: announced there, discovered here, dialled, accepted there.
func TestTraceOfADiscovery(t *testing.T) {
	c := newTalk(t, sampled)
	said := wire.NewContext(c.o.rng, true)
	c.announced('n', func(a *wire.Announcement) { a.Context = said })
	discovered := c.event(Discovered)
	if discovered.Parent != said || discovered.Context.Trace != said.Trace || discovered.Reason != "new-peer" {
		t.Errorf("discovered as %+v", discovered)
	}
	var h *wire.Hello
	c.o.Opened(c.now, 1, host('n'))
	for _, e := range c.o.Effects() {
		if e.Action == Send {
			var f wire.Frame
			wire.Decode(e.Frame, &f)
			h, _ = f.Control.(*wire.Hello)
		}
	}
	c.says(1, hello('n'))
	c.says(1, welcome)
	dialled := c.event(Dialled)
	if dialled.Parent != discovered.Context || h == nil || h.Context != dialled.Context || dialled.By != "announcement" {
		t.Errorf("dialled as %+v, HELLO says %+v", dialled, h)
	}
	c.announced('n', func(a *wire.Announcement) { a.Context = said })
	if n := len(c.seen); c.seen[n-1].Kind == Discovered {
		t.Error("what is known was discovered again")
	}

	far := newTalk(t)
	far.says(far.accept('m'), hello('q', traced(dialled.Context)))
	if e := far.event(Accepted); e.Parent != dialled.Context || e.Context.Trace != said.Trace {
		t.Errorf("accepted as %+v", e)
	}
	far = newTalk(t)
	far.says(far.accept('m'), hello('r', traced(wire.NewContext(c.o.rng, false))))
	if e := far.event(Accepted); e.Context.Valid() || e.Parent.Valid() {
		t.Errorf("what is not sampled shows as %+v", e)
	}
}
