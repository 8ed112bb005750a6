package overlay

import (
	"time"

	"hearsay/peer/wire"
)

// Ears is what most announcements of a large mesh are measured by. Nearly every one is a stranger's, of our own part or
// of none, for whom there is no room just now: it changes nothing but two counters, and three cache lines tell.
// Whoever drives thousands of peers keeps their ears side by side, and asks them first.
//
// They are a copy of what the overlay knows, made anew at the end of each call that may have changed it.
type Ears struct {
	self     uint64 // idKey of our own ID
	until    int64  // nanoseconds of the Unix epoch: before then no announcement introduces anybody
	rootSeq  uint64
	bridge   uint64 // idKey of whom a bridge shall lead to; 0 is none
	odds     uint32 // of 2^32: that it is for us to answer a seeker
	rooted   bool   // there is a root, which is in root
	strange  uint64 // announcements of strangers that there was no room for: too many to look up a counter's name for each
	agreed   uint64 // announcements that said nothing that we do not say as well, since the last call of Agreed
	root     [wire.IDLen]byte
	familiar familiar
	older    [olderRoots]beaconSeen
}

// olderRoots is how many other roots the ears know of: while a mesh forms, most newcomers follow one of the few that
// were the lowest before.
const olderRoots = 4

// beaconSeen is the newest beacon that was seen of a root.
type beaconSeen struct {
	seq  uint64
	root [wire.IDLen]byte
}

// Noise reports whether an announcement certainly changes nothing but counters, and counts it if so.
func (e *Ears) Noise(now time.Time, a *wire.Announcement) bool {
	key := idKey(a.ID)
	if now.UnixNano() >= e.until || a.Leaving || key == e.self || key == e.bridge || e.familiar.has(key) {
		return false
	}
	if a.Seeking && e.drawn(now, key) {
		return false
	}
	ours := false
	switch {
	case a.Root == "" || !e.rooted:
		ours = (a.Root == "") == !e.rooted
	case a.Root == wire.ID(e.root[:]):
		if ours = a.RootSeq < e.rootSeq+2; !ours {
			return false
		}
	case !e.knows(a.Root, a.RootSeq):
		return false
	}
	e.strange++
	if ours && !a.Seeking {
		e.agreed++
	}
	return true
}

// knows reports whether a beacon of another root is no news.
func (e *Ears) knows(root wire.ID, seq uint64) bool {
	for i := range e.older {
		if root == wire.ID(e.older[i].root[:]) {
			return seq <= e.older[i].seq
		}
	}
	return false
}

// drawn decides by lot whether it is for us to answer a seeker. The lot is a hash of who asks whom, and when:
// the stream of random numbers is not worth a look for each of thousands.
func (e *Ears) drawn(now time.Time, seeker uint64) bool {
	x := seeker ^ e.self*0x9e3779b97f4a7c15 ^ uint64(now.UnixNano())
	x = (x ^ x>>32) * 0xd6e8feb86659fd93 // multiplied and folded twice, every bit tells on every other
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	return uint32(x>>32) < e.odds
}

// listen has the ears be as the rest is.
func (o *Overlay) listen() {
	o.tell(o.ears)
	if o.root.news {
		o.root.news = false
		o.tellRoots(o.ears)
	}
	if o.acquainted.changed {
		o.acquainted.changed = false
		o.ears.familiar.learn(o.acquainted.keys)
	}
}

// tell tells them what changes all the time.
func (o *Overlay) tell(e *Ears) {
	e.until, e.odds, e.bridge = 0, o.answerOdds(), 0
	if !o.newcomerAt.IsZero() && !o.leaving {
		e.until = o.newcomerAt.UnixNano()
	}
	if !o.bridge.at.IsZero() {
		e.bridge = idKey(o.bridge.id)
	}
}

func (o *Overlay) tellRoots(e *Ears) {
	e.rooted, e.rootSeq = o.root.id != "", o.root.seq
	copy(e.root[:], o.root.id)
	n := 0
	for i := len(o.root.seen) - 1; i >= 0 && n < olderRoots; i-- {
		if s := &o.root.seen[i]; s.id != o.root.id {
			e.older[n].seq = s.seq
			copy(e.older[n].root[:], s.id)
			n++
		}
	}
	clear(e.older[n:])
}

// Agreed returns how many announcements said nothing that we do not say as well, since it was last called, beside
// those of which Heard said so.
func (o *Overlay) Agreed() uint64 {
	n := o.ears.agreed
	o.ears.agreed = 0
	return n
}

// familiar holds everybody in the passive view and at the other end of a link, as a Bloom filter of two bits each
// (Bloom, Space/Time Trade-offs in Hash Coding, 1970): wrong about one stranger in fifty, and never about an
// acquaintance.
type familiar [8]uint64

func (f *familiar) learn(keys []uint64) {
	*f = familiar{}
	for _, k := range keys {
		a, b := spread(k)
		f[a>>6] |= 1 << (a & 63)
		f[b>>6] |= 1 << (b & 63)
	}
}

func (f *familiar) has(key uint64) bool {
	a, b := spread(key)
	return f[a>>6]>>(a&63)&1 != 0 && f[b>>6]>>(b&63)&1 != 0
}

// spread draws two bits of a filter.
func spread(key uint64) (a, b uint64) {
	key *= 0x9e3779b97f4a7c15 // an ID's characters are hex digits, which differ in few of their bits
	return key >> 55, key >> 46 & 511
}
