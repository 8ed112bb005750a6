package plumtree

import (
	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// warm makes a link eager because of a graft.
func (t *Tree) warm(l *link) {
	if !l.eager {
		l.eager = true
		t.explore.restless(t.now)
	}
}

// pushed notes that l was the first to push a message to us: it is in our tree, so we are in its
// (Plumtree: the sender of a new message becomes eager). What it pushes after we pruned it was under
// way before it knew.
func (t *Tree) pushed(l *link, o *origin) {
	o.parent = l
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
	if resent || t.cfg.Flood {
		return
	}
	if a.msg.Seq == o.grafted {
		t.late.tooSoon(t.now-o.graftedFor, t.now)
		o.grafted = 0
	}
	switch {
	case !l.eager:
		if t.now-l.prunedAt >= pruneAgain {
			t.prune(l, o, a.msg.Seq)
		}
	case o == t.ref.origin:
		t.prune(t.longer(l, o, a), o, a.msg.Seq)
	case l.exploring > 0:
		if l.exploring--; l.exploring == 0 {
			t.prune(l, o, a.msg.Seq)
		}
	}
}

// longer is the link to prune when a second copy came on l: that one, unless it has come over fewer
// links than the first, and hardly later. Then it is the first copy's, so that the tree becomes a
// shallow one. The paper goes by time alone, which on a busy machine is chance; hops alone would keep
// to a slow link.
func (t *Tree) longer(l *link, o *origin, a *arrival) *link {
	p := o.parent
	at, _, held := o.log.find(a.msg.Seq)
	if p == nil || p == l || !p.eager || !held {
		return l
	}
	if e := at.entry(); a.msg.Hops >= int(e.hops)-1 || t.now-e.written > hardlyLater || t.link(p.conn) != p {
		return l
	}
	t.explore.every = exploreEvery
	o.parent = l
	t.chosen, t.chosenAt = l, t.now
	return p
}

func (t *Tree) prune(l *link, o *origin, seq uint64) {
	if planted.On(planted.NeverPrune) {
		return
	}
	l.eager, l.exploring = false, 0
	l.prunedAt = t.now
	t.stats.Prunes++
	t.send(l, wire.AppendPrune(t.frames.room()))
	t.out.Events = append(t.out.Events, Event{Kind: Pruned, Start: t.when(t.now), End: t.when(t.now), Conn: l.conn, Origin: o.name, From: seq, Seq: seq})
	t.cutOwed(l)
}

// onPrune makes a link lazy, because the far side had from others what we pushed on it. If that is whom we have
// just chosen to have messages from, the two copies crossed: it does not know that we have parted with the
// other. So it is told to go on; without that, a peer in three had to graft when the tree was new.
func (t *Tree) onPrune(l *link) {
	if o := t.ref.origin; l == t.chosen && t.now-t.chosenAt < crossFor && o != nil && o.parent == l {
		t.chosen = nil
		t.request(l, ask{start: t.start(), graft: true})
		return
	}
	l.eager, l.exploring = false, 0
	t.cutOwed(l)
}
