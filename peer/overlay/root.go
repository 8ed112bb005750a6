package overlay

import (
	"slices"
	"strings"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// The root beacon tells whether a mesh is whole, as 802.1D's root bridge tells whether a network is:
// the lowest live ID floods a numbered beacon over links, so that whoever gets it is connected with
// the root, and two peers that get different ones are not connected with each other.
//
// A beacon is passed on when it is new, whether it is followed or not. So within one connected part
// everybody has seen the beacons of all who take themselves for its root, and a root that somebody
// names and that we have not seen must be in another part.

const (
	// beaconEvery is the root's pace. It bounds how long a split that has healed stays unnoticed.
	beaconEvery = 2 * time.Second
	// rootFor is how long a root counts without a beacon: three of them.
	rootFor = 3 * beaconEvery
	// rootLostFor is how long, when a link to the root itself has broken: one beacon by another way.
	rootLostFor = 2500 * time.Millisecond
	// rootJitter spreads what many would do at one time.
	rootJitter = time.Second
	// candidateFor is the most that a candidate waits for another to be faster.
	candidateFor = 500 * time.Millisecond
	// aloneFor is how long a newcomer without links looks for others before it is the root of itself.
	aloneFor = 1500 * time.Millisecond
	// reviveWithin spreads the dials that another root gives rise to.
	reviveWithin = 300 * time.Millisecond
	// maxSeen bounds the roots whose newest beacon is remembered, so that a dead root's beacons that
	// still go round do not bring it back. Beyond it the one heard longest ago is forgotten.
	maxSeen = 16
	// maxBeacon is the highest number that is believed: seventy thousand years of beacons. A liar who
	// uses a higher one could never be overtaken by the root itself.
	maxBeacon = 1 << 40
	// rootsPerSecond is how many beacons one link may bring in a second; others are dropped. An honest
	// mesh has one in two seconds, and a handful while it elects.
	rootsPerSecond = 8
)

type root struct {
	id    wire.ID // whom we follow; empty while there is none
	seq   uint64
	heard time.Time
	stale time.Time // when we no longer follow it
	elect time.Time // when we take its place ourselves; zero unless there is none
	beat  time.Time // our next beacon; zero unless we are the root
	own   uint64    // the number of our last beacon
	seen  []sighting
	size  int  // of the mesh, by id; see guess
	news  bool // the ears are to be told
}

// sighting is the newest beacon of one root.
type sighting struct {
	id  wire.ID
	seq uint64
	at  time.Time
}

func (r *root) start(o *Overlay) { r.elect = o.now.Add(aloneFor + o.between(0, candidateFor)) }

// IsRoot reports whether this peer is the root of its part.
func (o *Overlay) IsRoot() bool { return o.root.id == o.cfg.ID }

func (r *root) deadline(o *Overlay, a *alarm) {
	a.by(r.elect)
	a.by(r.beat)
	if r.beat.IsZero() && r.id != "" {
		a.by(r.stale)
	}
}

func (r *root) advance(o *Overlay) {
	switch {
	case !r.beat.IsZero() && !o.now.Before(r.beat):
		r.beacon(o)
	case r.id != "" && r.beat.IsZero() && !o.now.Before(r.stale):
		r.expire(o)
	case !r.elect.IsZero() && !o.now.Before(r.elect):
		r.become(o)
	}
}

// expire stops following a root that is no longer heard. If another was seen meanwhile, which was not
// followed since it was higher, it is next; otherwise we are a candidate.
func (r *root) expire(o *Overlay) {
	if planted.On(planted.NeverElect) {
		r.stale = o.now.Add(rootFor)
		return
	}
	gone := r.id
	r.id, r.seq, r.size, r.news = "", 0, 0, true
	var best *sighting
	for i := range r.seen {
		if s := &r.seen[i]; s.id != gone && o.now.Sub(s.at) < beaconEvery+rootJitter && s.id < o.cfg.ID && (best == nil || s.id < best.id) {
			best = s
		}
	}
	if best != nil {
		r.follow(o, best.id, best.seq)
		r.stale = best.at.Add(rootFor + o.between(0, rootJitter))
		return
	}
	r.elect = o.now.Add(o.between(0, candidateFor))
}

// become makes us the root.
func (r *root) become(o *Overlay) {
	r.id, r.elect = o.cfg.ID, time.Time{}
	r.size = guess(r.id)
	r.changed(o)
	r.beacon(o)
}

// changed tells of another root. Two parts may have become one: whoever could not be reached is worth
// a try, and whoever we do not know is worth a question.
func (r *root) changed(o *Overlay) {
	o.counts.rooted++
	for p := range o.candidates() {
		if p.dead && o.degree() > 0 {
			p.resume = earlier(p.resume, o.now.Add(o.between(0, reviveWithin)))
		}
	}
	o.shuffle.hurry(o)
	o.event(Event{Kind: Rooted, Start: o.now, End: o.now, Peer: r.id})
	o.effect(Effect{Action: Inconsistent})
}

// beacon floods our next beacon, and says it to those whom no link reaches.
func (r *root) beacon(o *Overlay) {
	r.own++
	r.news = true
	r.seq, r.heard, r.beat = r.own, o.now, o.now.Add(beaconEvery)
	r.flood(o, r.id, r.seq, nil)
	o.effect(Effect{Action: Announce, Why: "beacon"})
}

// flood passes a beacon to all links but one.
func (r *root) flood(o *Overlay, id wire.ID, seq uint64, but *conn) {
	var frame []byte
	for _, c := range o.order {
		if c.state == up && c != but {
			if frame == nil {
				frame = wire.AppendRoot(nil, wire.Root{ID: id, Seq: seq})
			}
			o.send(c, frame)
		}
	}
}

// linked tells a new neighbor the root, and so lets two parts become one.
func (r *root) linked(o *Overlay, c *conn) {
	switch {
	case r.id != "":
		o.send(c, wire.AppendRoot(nil, wire.Root{ID: r.id, Seq: r.seq}))
	case !r.elect.IsZero():
		r.elect = earlier(r.elect, o.now.Add(o.between(0, candidateFor)))
	}
}

// lost shortens the patience with a root to which our own link broke: if it lives, its next beacon
// comes by another way.
func (r *root) lost(o *Overlay, c *conn, loud bool) {
	if c.peer == r.id && loud {
		r.stale = earlier(r.stale, o.now.Add(rootLostFor+o.between(0, rootJitter)))
	}
}

// excuse takes out of account a time in which we did not run.
func (r *root) excuse(o *Overlay, late time.Duration) {
	r.stale = r.stale.Add(late)
	r.heard = earlier(r.heard.Add(late), o.now)
}

// newest is the number of the newest beacon seen of a root, or zero.
func (r *root) newest(id wire.ID) uint64 {
	for _, s := range r.seen {
		if s.id == id {
			return s.seq
		}
	}
	return 0
}

func (r *root) see(o *Overlay, id wire.ID, seq uint64) {
	i := slices.IndexFunc(r.seen, func(s sighting) bool { return s.id == id })
	if i < 0 && len(r.seen) < maxSeen {
		r.seen = append(r.seen, sighting{})
		i = len(r.seen) - 1
	}
	if i < 0 {
		o.counts.limit("roots")
		for j, s := range r.seen {
			if s.id != r.id && (i < 0 || s.at.Before(r.seen[i].at)) {
				i = j
			}
		}
	}
	r.seen[i] = sighting{id, seq, o.now}
	r.news = true
}

// follow makes id the root we follow.
func (r *root) follow(o *Overlay, id wire.ID, seq uint64) {
	changed := r.id != id
	r.id, r.seq, r.heard = id, seq, o.now
	r.stale = o.now.Add(rootFor + o.between(0, rootJitter))
	r.elect, r.beat = time.Time{}, time.Time{}
	r.news = true
	if changed {
		r.size = guess(id)
		r.changed(o)
	}
}

func (o *Overlay) onRoot(c *conn, f *wire.Root) {
	r := &o.root
	switch {
	case f.Seq > maxBeacon || !c.roots.take(o.now):
		o.counts.limit("beacons")
	case f.ID == o.cfg.ID:
		// Our own comes round. If its number is above ours somebody lies, and we overtake him.
		r.own = max(r.own, f.Seq)
	case f.Seq > r.newest(f.ID):
		id := wire.ID(strings.Clone(string(f.ID)))
		r.see(o, id, f.Seq)
		r.flood(o, id, f.Seq, c)
		switch {
		case id > o.cfg.ID && (r.id == "" || r.id >= id):
			// It does not know that we live.
			r.become(o)
		case r.id == "" || id <= r.id:
			r.follow(o, id, f.Seq)
		}
	}
}
