package plumtree

import (
	"slices"
	"strings"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// origin is what we know of one publisher.
type origin struct {
	name      wire.Origin
	publisher string // its name, as its messages give it
	slot      int    // its place in every link's views
	own       bool   // it is this peer

	// upto is our mark: we have, or know the fate of, every message up to and including upto. All that
	// were owed to us have been delivered.
	upto uint64
	// skipped: what we do not hold up to and including skipped is older than this peer, or its origin did not keep
	// it any more when we met. We never had it, though others may.
	skipped uint64
	// skippedAt is when the newest of these was published, at the latest.
	skippedAt instant
	// evicted is the highest message that was removed from the log, and evictedAt when it was published.
	evicted   uint64
	evictedAt instant
	published instant // when the newest was published, or before all; expiry is monotone within an origin
	touched   instant // when upto last moved
	log       runs
	parent    *link // that pushed the newest first; it need not be up any more

	missing
	deep    *deep // a deep fetch under way
	verdict verdict
}

// origins is the table of all origins. Its list is in the order in which we met them, since the order
// of a map must not reach the wire.
type origins struct {
	byName map[string]*origin
	list   []*origin
	free   []int // slots that forgotten origins have left
	slots  int
}

func (s *origins) init() { s.byName = map[string]*origin{} }

func (s *origins) find(name []byte) *origin          { return s.byName[string(name)] }
func (s *origins) findName(name wire.Origin) *origin { return s.byName[string(name)] }

// add makes an entry. The name is copied, for it may be part of a frame.
func (s *origins) add(name wire.Origin) *origin {
	o := &origin{name: wire.Origin(strings.Clone(string(name)))}
	o.due, o.published, o.skippedAt = never, -never, -never
	if n := len(s.free); n > 0 {
		o.slot, s.free = s.free[n-1], s.free[:n-1]
	} else {
		o.slot = s.slots
		s.slots++
	}
	s.byName[string(o.name)] = o
	s.list = append(s.list, o)
	return o
}

func (s *origins) remove(o *origin) {
	delete(s.byName, string(o.name))
	s.list = slices.DeleteFunc(s.list, func(x *origin) bool { return x == o })
	s.free = append(s.free, o.slot)
}

// meet makes an entry for an origin that we did not know, or returns nil at the limit.
func (t *Tree) meet(name wire.Origin) *origin {
	if len(t.origins.list) >= maxOrigins && !t.makeRoom() {
		t.stats.Limits["origins"]++
		return nil
	}
	o := t.origins.add(name)
	o.touched = t.now
	for _, l := range t.links {
		l.fit(t.origins.slots)
	}
	t.wakeSweep()
	return o
}

// forgettable reports whether nothing is left to say of o, and has not been for a while. What we hold
// is gone once the window has passed since upto last moved, so nobody else can hold more by then, and
// what still arrives is dropped as expired: forgetting makes no message come twice.
func (t *Tree) forgettable(o *origin, after instant) bool {
	return !o.own && len(o.log) == 0 && !o.waiting && o.deep == nil && t.now-o.touched > after
}

// makeRoom forgets the origin that has been silent for longest, and for longer than the window.
func (t *Tree) makeRoom() bool {
	var oldest *origin
	for _, o := range t.origins.list {
		if t.forgettable(o, t.cfg.Retain) && (oldest == nil || o.touched < oldest.touched) {
			oldest = o
		}
	}
	if oldest == nil {
		return false
	}
	t.forget(oldest)
	return true
}

func (t *Tree) forget(o *origin) {
	t.forgot = true
	for _, l := range t.links {
		t.dropOwed(l, l.views[o.slot].owed)
		t.dropOwed(l, l.views[o.slot].deep)
		if l.views[o.slot].pending {
			l.pending = slices.DeleteFunc(l.pending, func(x *origin) bool { return x == o })
		}
		l.views[o.slot] = view{}
		l.last = nil
	}
	t.origins.remove(o)
}

// forgetAfter is how long an origin is remembered after its last word. A neighbor may have heard that
// word one window after us and then announce it for another; the third is for slow clocks.
func (t *Tree) forgetAfter() instant { return 3 * t.cfg.Retain }

func (t *Tree) forgetEvery() instant { return max(t.cfg.Retain/8, sweepEvery) }

// sweep evicts what has expired and forgets origins that are long silent.
func (t *Tree) sweep() {
	for {
		e := t.log.oldest()
		if e == nil || !t.expired(e.published) || planted.On(planted.KeepTooLong) {
			break
		}
		t.log.evict()
	}
	if t.now >= t.forgetAt {
		for i := 0; i < len(t.origins.list); i++ {
			if o := t.origins.list[i]; t.forgettable(o, t.forgetAfter()) {
				t.forget(o)
				i--
			}
		}
		t.forgetAt = t.now + t.forgetEvery()
	}
	t.sweepAt = never
	t.wakeSweep()
}

// wakeSweep sets when sweep is due, if it is not set yet.
func (t *Tree) wakeSweep() {
	if t.sweepAt != never {
		return
	}
	if len(t.origins.list) > 1 {
		t.sweepAt = t.forgetAt
	}
	if e := t.log.oldest(); e != nil {
		t.sweepAt = min(t.sweepAt, max(e.published+t.cfg.Retain+1, t.now+sweepEvery))
	}
}

func (t *Tree) expired(published instant) bool { return t.now-published > t.cfg.Retain }
