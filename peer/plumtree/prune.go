package plumtree

import "hearsay/peer/wire"

// churn keeps peers from breaking one cycle in several places at once. Where many peers publish, each
// peer of a cycle sees second copies, of different origins; if all prune, the tree falls apart, all
// graft, and so for ever. So where links have been grafted lately, a peer waits a random time before
// it prunes, from a range that doubles with each graft, as on an Ethernet (IEEE 802.3's truncated
// binary exponential backoff); the first to prune ends the copies for all. Where it has been calm, the
// second copy prunes at once, as in the paper.
type churn struct {
	grafted instant // when a link was last grafted, by either side
	level   int
	after   instant // no prune before
}

// churnMax bounds the range to 256 ms, which ends duplicates soon enough for their cost not to matter.
const churnMax = 8

// warm makes a link eager because of a graft.
func (t *Tree) warm(l *link) {
	if l.eager {
		return
	}
	l.eager = true
	c := &t.churn
	if t.now-c.grafted > calm {
		c.level = 0
	} else {
		c.level = min(c.level+1, churnMax)
	}
	c.grafted = t.now
	t.backOff()
}

// spread is by how much grafts are spread, beyond what a calm tree needs.
func (c *churn) spread(now instant) instant {
	if now-c.grafted > calm {
		return 0
	}
	return min(1e6<<c.level, graftSpread)
}

func (t *Tree) backOff() {
	if t.churn.level > 0 {
		t.churn.after = t.now + t.jitter(1e6<<t.churn.level)
	}
}

// pushed notes that l was the first to push a message to us: it is in our tree, so we are in its
// (Plumtree: the sender of a new message becomes eager). What it pushes after we pruned it was under
// way before it knew.
func (t *Tree) pushed(l *link) {
	if !l.eager && t.now-l.prunedAt >= pruneAgain {
		l.eager = true
	}
}

// onDuplicate prunes the link that a second copy came on. A message that the link had already sent or
// announced was asked for, or goes along with what was asked for, so it says nothing of the tree.
func (t *Tree) onDuplicate(l *link, o *origin, a *arrival, resent bool) {
	t.stats.Duplicates++
	if m := a.msg; m.Publisher.Sampled {
		t.processed(o, a, Duplicate, "", t.hopSpan(m), 0)
	}
	if resent {
		return
	}
	t.late.late(o, a.msg.Seq, t.now)
	if l.eager && t.now >= t.churn.after || !l.eager && t.now-l.prunedAt >= pruneAgain {
		t.prune(l, o, a.msg.Seq)
	}
}

func (t *Tree) prune(l *link, o *origin, seq uint64) {
	l.eager = false
	l.prunedAt = t.now
	t.backOff()
	t.stats.Prunes++
	t.send(l, wire.AppendPrune(t.frames.room()))
	t.out.Events = append(t.out.Events, Event{Kind: Pruned, Start: t.when(t.now), End: t.when(t.now), Conn: l.conn, Origin: o.name, From: seq, Seq: seq})
	t.cutOwed(l)
}

func (t *Tree) onPrune(l *link) {
	l.eager = false
	t.backOff()
	t.cutOwed(l)
}
