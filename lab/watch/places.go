package watch

import (
	"slices"
	"time"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// place is one number of the fleet, and the peers that ran there.
type place struct {
	fleet.Peer
	seen   bool // the fleet told of it, in Peers or by an event
	runs   []run
	pauses []spell
	ends   map[string]*end // its links, by the far peer's ID
	lost   ring[lostLink]
	root   string // whom it follows
	said   status
	seqs   map[string]heardSeq // by origin: what it delivered last
	holds  uint64              // messages that the present run said or delivered

	pausedRoot bool // as it was told last: see pausedRoots
	unreached  bool // somebody dialled it back, and it did not answer
}

// run is one life of a peer.
type run struct {
	number       int
	id           string
	began, ended time.Time // ended is zero while it lives
	how          string    // it ended: kill, stop, crash
}

// runRef says whose ID one is.
type runRef struct{ number, run int }

// spell is a time in which something was so; until is zero while it is.
type spell struct{ from, until time.Time }

func (s spell) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.until.IsZero() || t.Before(s.until))
}

// heardSeq is the newest message of one origin that a peer has delivered.
type heardSeq struct {
	seq uint64
	at  time.Time
}

// status is what we keep of what a peer says of itself.
type status struct {
	at        time.Time // when it was asked; zero while it never answered
	slots     node.SlotStatus
	evicted   uint64 // of the messages that it said or delivered, the oldest: it keeps them no longer
	announced uint64
	rate      float64 // of announcements, since the status before
	multicast string
}

// place returns the one of that number, or nil if there can be none.
func (m *Model) place(number int) *place {
	if number < 1 || number > MaxPlaces {
		return nil
	}
	for len(m.places) < number {
		p := &place{Peer: fleet.Peer{Number: len(m.places) + 1}, ends: map[string]*end{}, seqs: map[string]heardSeq{}}
		p.lost.limit = maxLost
		m.places = append(m.places, p)
	}
	return m.places[number-1]
}

// known returns the place of that number if there is one.
func (m *Model) known(number int) *place {
	if number < 1 || number > len(m.places) {
		return nil
	}
	return m.places[number-1]
}

// name is a peer for people. Whoever is none of the fleet's is a stranger: others may run peers on this network.
func (m *Model) name(number int) string {
	if p := m.known(number); p != nil {
		return p.called()
	}
	return "a stranger"
}

func (p *place) called() string {
	if p.Name != "" {
		return p.Name
	}
	return "peer-" + itoa(p.Number)
}

// numberOf is whose ID that is; zero is nobody's.
func (m *Model) numberOf(id string) int { return m.runs[id].number }

// running reports whether something can be expected of the peer.
func (p *place) running() bool { return p.Alive && !p.Paused }

// current is the newest run, or nil.
func (p *place) current() *run {
	if len(p.runs) == 0 {
		return nil
	}
	return &p.runs[len(p.runs)-1]
}

// runAt is the run that lived at t, or nil.
func (p *place) runAt(t time.Time) *run {
	for i := len(p.runs) - 1; i >= 0; i-- {
		if r := &p.runs[i]; !r.began.After(t) {
			if r.ended.IsZero() || r.ended.After(t) {
				return r
			}
			return nil
		}
	}
	return nil
}

// Paused reports whether a peer is paused.
func (m *Model) Paused(number int) bool {
	p := m.known(number)
	return p != nil && p.Paused
}

// pausedAt is the pause that went on at t, or nil.
func (p *place) pausedAt(t time.Time) *spell {
	for i := len(p.pauses) - 1; i >= 0; i-- {
		if p.pauses[i].holds(t) {
			return &p.pauses[i]
		}
	}
	return nil
}

// pausedSince reports whether a pause began at t or later.
func (p *place) pausedSince(t time.Time) bool {
	return len(p.pauses) > 0 && !p.pauses[len(p.pauses)-1].from.Before(t)
}

// Peers takes what the fleet says of its places. Of a run that is known already only what does not change is taken,
// since the list may be older than the events that came meanwhile.
func (m *Model) Peers(now time.Time, list []fleet.Peer) {
	m.begin(now)
	for _, told := range list {
		p := m.place(told.Number)
		if p == nil {
			continue
		}
		was, seen := p.Peer, p.seen
		p.seen, p.Name = true, told.Name
		if c := p.current(); told.Run > 0 && (c == nil || told.Run > c.number) {
			m.started(p, told.Run, told.Started)
			p.Alive = told.Alive
			if told.Paused {
				m.paused(p, now)
			}
			if !told.Alive {
				p.current().ended = now
			}
		}
		if c := p.current(); c != nil && c.number == told.Run {
			p.Addr = told.Addr
			m.identify(p, told.ID)
		}
		if !seen || p.Peer != was {
			m.changes.peer(p.Number)
		}
	}
}

// started begins a run.
func (m *Model) started(p *place, number int, at time.Time) {
	if c := p.current(); c != nil {
		if number <= c.number {
			return
		}
		m.finish(p, at, "")
	}
	if len(p.runs) == MaxRuns {
		delete(m.runs, p.runs[0].id)
		p.runs = slices.Delete(p.runs, 0, 1)
	}
	p.runs = append(p.runs, run{number: number, began: at})
	p.seen, p.Run, p.Alive, p.Paused, p.Started = true, number, true, false, at
	p.ID, p.Addr, p.root, p.said, p.holds, p.unreached = "", "", "", status{}, 0, false
	clear(p.seqs)
	m.changes.peer(p.Number)
	m.measures.started(at)
	m.shaken(at)
}

// identify learns the ID of a place's present run.
func (m *Model) identify(p *place, id string) {
	c := p.current()
	if id == "" || c == nil || c.id == id {
		return
	}
	c.id, p.ID = id, id
	m.runs[id] = runRef{p.Number, c.number}
	m.changes.peer(p.Number)
	// Links to it may have been told of before we knew whose they were.
	for _, q := range m.places {
		if q.ends[id] != nil {
			m.relink(p.Number, q.Number)
		}
	}
	for far := range p.ends {
		m.relink(p.Number, m.numberOf(far))
	}
	m.recheck(m.measures.shaken)
}

// finish ends a place's run.
func (m *Model) finish(p *place, at time.Time, how string) {
	c := p.current()
	if c == nil || !c.ended.IsZero() {
		return
	}
	c.ended, c.how = at, how
	p.Alive = false
	m.resumed(p, at)
	m.spared(p)
	for far := range p.ends {
		delete(p.ends, far)
		m.relink(p.Number, m.numberOf(far))
	}
	m.changes.peer(p.Number)
	m.messages.unsettle()
	m.shaken(at)
}

func (m *Model) paused(p *place, at time.Time) {
	if p.Paused || !p.Alive {
		return
	}
	p.Paused = true
	if len(p.pauses) == maxSpells {
		p.pauses = slices.Delete(p.pauses, 0, 1)
	}
	p.pauses = append(p.pauses, spell{from: at})
	m.spared(p)
	m.relinkAll(p)
	m.changes.peer(p.Number)
	m.shaken(at)
}

func (m *Model) resumed(p *place, at time.Time) {
	if !p.Paused {
		return
	}
	p.Paused = false
	p.pauses[len(p.pauses)-1].until = at
	m.relinkAll(p)
	m.changes.peer(p.Number)
	m.shaken(at)
}

// siphons reports whether the peer takes links and serves none: it says so itself, or nobody who was linked from it
// could dial it back. An incoming link proves the contrary.
func (p *place) siphons() bool {
	if p.said.slots.Serve < p.said.slots.Links {
		return true
	}
	if !p.unreached || !p.running() {
		return false
	}
	for _, e := range p.ends {
		if !e.out {
			return false
		}
	}
	return true
}
