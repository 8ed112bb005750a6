package overlay

import (
	"time"

	"hearsay/peer/wire"
)

// Shuffle keeps passive views fresh and mixed, as HyParView's does (section 4.4): a sample of what a
// peer knows goes on a short random walk, and whoever it ends at answers with a sample of his own.

const (
	// shuffleEvery is the pace at rest. HyParView leaves it open; at two kilobytes each it costs nothing.
	shuffleEvery = 20 * time.Second
	// hungryMin is the first pause of a peer that lacks links or knows hardly anybody; it doubles to
	// shuffleEvery. Where multicast does not pass, this is how the peers behind one join address meet.
	hungryMin = 250 * time.Millisecond
	// hungryBelow is how few known peers make one hungry: twice the links it wants.
	hungryBelow = 2
	// shuffleTTL is the length of the walk: HyParView's passive random walk length (section 5.1).
	shuffleTTL = 3
	// walksPerSecond is how many shuffles one link may bring in a second; others are dropped.
	walksPerSecond = 8
)

type shuffle struct {
	next time.Time
	wait time.Duration // of the hungry
}

func (s *shuffle) start(o *Overlay) { s.wait = hungryMin }

// linked asks a new neighbor soon, if there is need.
func (s *shuffle) linked(o *Overlay) {
	s.wait = hungryMin
	if o.hungry() {
		s.next = o.now
	} else if s.next.IsZero() {
		s.next = o.now.Add(o.jitter(shuffleEvery))
	}
}

// hurry asks soon, if there is need.
func (s *shuffle) hurry(o *Overlay) {
	if s.wait = hungryMin; o.hungry() && !s.next.IsZero() {
		s.next = earlier(s.next, o.now.Add(o.jitter(hungryMin)))
	}
}

func (o *Overlay) hungry() bool {
	return o.out < o.cfg.Links || o.degree()+len(o.view.list) < hungryBelow*o.cfg.Links
}

func (s *shuffle) deadline(o *Overlay) time.Time {
	if o.degree() == 0 {
		return time.Time{}
	}
	return s.next
}

func (s *shuffle) advance(o *Overlay) {
	if o.degree() == 0 || o.now.Before(s.next) {
		return
	}
	ttl := shuffleTTL
	if o.hungry() {
		ttl = 1 // only the neighbor's own answer comes back to us
		s.next = o.now.Add(o.jitter(s.wait))
		s.wait = min(2*s.wait, shuffleEvery)
	} else {
		s.wait = hungryMin
		s.next = o.now.Add(o.jitter(shuffleEvery))
	}
	if c := o.anyLink(nil); c != nil {
		o.send(c, wire.AppendShuffle(nil, wire.Shuffle{TTL: ttl, Candidates: o.sample(c)}))
	}
}

// anyLink picks a link at random.
func (o *Overlay) anyLink(but *conn) *conn {
	var some *conn
	n := 0
	for _, c := range o.order {
		if c.state == up && c != but {
			if n++; o.rng.IntN(n) == 0 {
				some = c
			}
		}
	}
	return some
}

// sample is some of our neighbors and some of our passive view, half and half as far as they go.
func (o *Overlay) sample(to *conn) []wire.Candidate {
	var active, passive []wire.Candidate
	for _, c := range o.order {
		if c.state == up && c.peer != to.peer {
			active = append(active, wire.Candidate{ID: c.peer, Name: c.name, Addr: c.addr, Free: c.slots.Free()})
		}
	}
	for _, p := range o.view.list {
		if !p.dead && p.id != to.peer {
			passive = append(passive, p.candidate())
		}
	}
	o.rng.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
	o.rng.Shuffle(len(passive), func(i, j int) { passive[i], passive[j] = passive[j], passive[i] })
	n := min(len(active), max(wire.MaxCandidates/2, wire.MaxCandidates-len(passive)))
	list := active[:n]
	return append(list, passive[:min(len(passive), wire.MaxCandidates-n)]...)
}

// onShuffle passes the walk on, or ends it here.
func (o *Overlay) onShuffle(c *conn, f *wire.Shuffle) {
	if !c.walks.take(o.now) {
		o.counts.limit("walks")
		return
	}
	if f.TTL > 1 {
		if next := o.anyLink(c); next != nil {
			o.send(next, wire.AppendShuffle(nil, wire.Shuffle{TTL: f.TTL - 1, Candidates: f.Candidates}))
			return
		}
	}
	// Our answer first: it must not repeat what we have just been told.
	o.send(c, wire.AppendShuffleReply(nil, wire.ShuffleReply{Candidates: o.sample(c)}))
	o.learn(f.Candidates, "shuffle", wire.Context{}, c.remote.Addr())
}

func (o *Overlay) onShuffleReply(c *conn, f *wire.ShuffleReply) {
	if !c.walks.take(o.now) {
		o.counts.limit("walks")
		return
	}
	o.learn(f.Candidates, "shuffle", wire.Context{}, c.remote.Addr())
}
