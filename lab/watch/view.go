package watch

import (
	"slices"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// PeerView is a peer as people see it.
type PeerView struct {
	Number   int             `json:"n"`
	Name     string          `json:"name"`
	ID       string          `json:"id"`
	Addr     string          `json:"addr"`
	Run      int             `json:"run"`
	Alive    bool            `json:"alive"`
	Paused   bool            `json:"paused"`
	Ended    string          `json:"ended,omitempty"` // how: kill, stop, crash
	Root     bool            `json:"root"`            // it is the root of its part
	Follows  int             `json:"follows"`         // whose number its root has; 0 is not known
	Siphoner bool            `json:"siphoner"`
	Part     int             `json:"part"` // from 1; 0 is none
	Began    float64         `json:"began"`
	Slots    node.SlotStatus `json:"slots"`
}

// MessageView is a message as lists show it. Hops are who told whom, as far as is known.
type MessageView struct {
	Number  int     `json:"n"`
	ID      string  `json:"id"`
	At      float64 `json:"at"`
	From    int     `json:"from"`
	Name    string  `json:"name"`
	Text    string  `json:"text"`
	Heard   int     `json:"heard"`
	Owed    int     `json:"owed"`
	Took    float64 `json:"took_ms"`
	Further int     `json:"copies"` // beyond the first
	Traced  bool    `json:"traced"` // of all deliveries it is known who told
	Trace   string  `json:"trace"`
	Hops    *Hops   `json:"hops,omitempty"` // nil where there are too many messages to tell of all hops
}

// Hops are deliveries, in the order in which we heard of them: of whom, by whom (0 is not known), after how many
// milliseconds, and how: a letter for each, e for eager, g for grafted, c for catch-up, - if that is not known. They
// are most of what the page is told, and so they are told shortly.
type Hops struct {
	To   []int     `json:"to"`
	From []int     `json:"from"`
	At   []float64 `json:"at"`
	How  string    `json:"how"`
}

// State is everything that the page shows, at one instant.
type State struct {
	Seq         uint64        `json:"seq"`
	At          float64       `json:"at"`
	Engine      string        `json:"engine,omitempty"`
	Peers       []PeerView    `json:"peers"`
	Links       []Link        `json:"links"`
	Cut         [][]int       `json:"cut"`
	Figures     Figures       `json:"figures"`
	Messages    []MessageView `json:"messages"` // the newest; each list has the oldest first
	Events      []Event       `json:"events"`
	Discoveries []Discovery   `json:"discoveries"`
	Heals       []Heal        `json:"heals"`
	Faults      []Fault       `json:"faults"`
}

// How much of each list a State holds.
const (
	stateMessages    = 200
	stateTrees       = 20 // of these messages with hops
	stateEvents      = 500
	stateDiscoveries = 200
	stateHeals       = 200
	stateFaults      = 50
)

// State is a copy of what is known.
func (m *Model) State() *State {
	s := m.topology()
	s.Messages, s.Events, s.Discoveries = []MessageView{}, []Event{}, append([]Discovery{}, m.found.last(stateDiscoveries)...)
	newest := slices.DeleteFunc(slices.Clone(m.messages.order[max(0, len(m.messages.order)-stateMessages):]), func(msg *message) bool { return !msg.shown() })
	for i, msg := range newest {
		v := m.viewMessage(msg)
		if len(newest)-i > stateTrees {
			v.Hops = nil
		}
		s.Messages = append(s.Messages, v)
	}
	s.Events = append(s.Events, m.events.last(stateEvents)...)
	s.Events = append(s.Events, m.logs.last(stateEvents/4)...)
	slices.SortStableFunc(s.Events, func(a, b Event) int { return a.At.Compare(b.At) })
	s.Heals = m.viewHeals(m.heals.last(stateHeals))
	s.Faults = m.viewFaults(m.faults.last(stateFaults))
	return s
}

// topology is a State without the lists that only grow.
func (m *Model) topology() *State {
	s := &State{Seq: m.changes.seq, At: millis(m.now), Peers: []PeerView{}, Links: []Link{}, Cut: m.Cut(), Figures: m.Figures()}
	for _, p := range m.places {
		if p.seen {
			s.Peers = append(s.Peers, m.viewPeer(p))
		}
	}
	for _, k := range sortedPairs(m.links.up) {
		s.Links = append(s.Links, *m.links.up[k])
	}
	return s
}

func (m *Model) viewPeer(p *place) PeerView {
	v := PeerView{
		Number: p.Number, Name: p.called(), ID: p.ID, Addr: p.Addr, Run: p.Run, Alive: p.Alive, Paused: p.Paused,
		Root: p.Alive && m.isRoot(p), Follows: m.follows(p), Siphoner: p.siphons(), Part: m.parts.of[p.Number],
		Began: millis(p.Started), Slots: p.said.slots,
	}
	if c := p.current(); c != nil && !p.Alive {
		v.Ended = c.how
	}
	return v
}

// follows is whom a peer takes for the root; 0 if nobody who runs now.
func (m *Model) follows(p *place) int {
	r := m.runs[p.root]
	if q := m.known(r.number); q == nil || q.Run != r.run {
		return 0
	}
	return r.number
}

// isRoot reports whether a peer takes itself for the root. Before it has said anything, the lowest ID is. One that is
// paused is for as long as somebody who is not follows it.
func (m *Model) isRoot(p *place) bool {
	if p.Paused && p.root == p.ID && !slices.ContainsFunc(m.places, func(q *place) bool { return q.running() && q.root == p.ID }) {
		return false
	}
	if p.root != "" || p.ID == "" {
		return p.root == p.ID && p.ID != ""
	}
	for _, q := range m.places {
		if q.Alive && q.ID != "" && q.ID < p.ID {
			return false
		}
	}
	return p.Alive
}

// pausedRoots notes which paused peers are the root no longer, or again, which others decide.
func (m *Model) pausedRoots() {
	for _, p := range m.places {
		if is := p.Paused && m.isRoot(p); is != p.pausedRoot {
			p.pausedRoot = is
			m.changes.peer(p.Number)
		}
	}
}

func (m *Model) viewMessage(msg *message) MessageView {
	v := MessageView{
		Number: msg.number, ID: msg.id, At: millis(msg.said), From: msg.origin.number, Name: m.sayer(msg), Text: msg.text,
		Took: -1, Trace: traceText(msg.trace), Hops: &Hops{To: []int{}, From: []int{}, At: []float64{}}, Traced: true,
	}
	letters := make([]byte, 0, len(msg.hops))
	due := 0
	v.Heard, due = m.coverage(msg)
	v.Owed = v.Heard + due
	for i := range msg.hops {
		h := &msg.hops[i]
		v.Further += len(h.copies)
		if !h.delivery() {
			continue
		}
		at := sinceMS(msg.said, h.at)
		v.Took = max(v.Took, at)
		v.Traced = v.Traced && h.traced
		v.Hops.To, v.Hops.From, v.Hops.At = append(v.Hops.To, h.to.number), append(v.Hops.From, h.from.number), append(v.Hops.At, at)
		letters = append(letters, "-egc"[h.how])
	}
	v.Hops.How = string(letters)
	return v
}

func (m *Model) viewHeals(list []Heal) []Heal {
	out := make([]Heal, len(list))
	for i, h := range list {
		h.Lost = append([]string{}, h.Lost...)
		out[i] = h
	}
	return out
}

func (m *Model) viewFaults(list []Fault) []Fault {
	out := make([]Fault, len(list))
	for i := range list {
		out[i] = list[i].view()
	}
	return out
}

// view is a copy that stays as it is.
func (f *Fault) view() Fault {
	v := *f
	v.Peers, v.Heals, v.doomed, v.near, v.was = slices.Clone(f.Peers), slices.Clone(f.Heals), nil, nil, cut{}
	return v
}

// Faults are the newest faults, the oldest first.
func (m *Model) Faults() []Fault { return m.viewFaults(m.faults.list) }

// Peer is a place as the fleet and the peer itself tell of it.
func (m *Model) Peer(number int) (fleet.Peer, bool) {
	p := m.known(number)
	if p == nil || !p.seen {
		return fleet.Peer{}, false
	}
	return p.Peer, true
}
