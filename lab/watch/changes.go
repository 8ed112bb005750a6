package watch

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Batch is what has changed since the one before it. Lists hold each thing once, as it is now.
type Batch struct {
	Seq         uint64        `json:"seq"`
	At          float64       `json:"at"`
	Peers       []PeerView    `json:"peers,omitempty"`
	Links       []Link        `json:"links,omitempty"`
	New         []int         `json:"new,omitempty"`  // which of Links were not there before, by index
	Gone        []LostLink    `json:"gone,omitempty"` // links that are no more
	Cut         *[][]int      `json:"cut,omitempty"`
	Figures     *Figures      `json:"figures,omitempty"`
	Messages    []MessageView `json:"messages,omitempty"`
	Skipped     int           `json:"skipped,omitempty"` // messages that are not in Messages: too many in one Batch
	Events      []Event       `json:"events,omitempty"`
	Unsaid      int           `json:"unsaid,omitempty"` // events, likewise
	Discoveries []Discovery   `json:"discoveries,omitempty"`
	Heals       []Heal        `json:"heals,omitempty"`
	Faults      []Fault       `json:"faults,omitempty"`
}

// A Batch is for people, who see no more than so much at once. The rest is counted, and can be asked for.
const (
	batchMessages = 24
	batchHops     = 2000 // of these messages; then those of the older ones are left out
	batchEvents   = 100
	// figuresEvery is how often figures are counted again while things change.
	figuresEvery = 250 * time.Millisecond
)

// changes is what the next Batch must tell.
type changes struct {
	seq         uint64
	any         bool
	peers       map[int]bool
	links       map[pair]bool // and whether it is new
	lost        []LostLink
	cut         bool
	events      []Event
	unsaid      int
	discoveries map[int]bool
	heals       map[int]bool
	faults      map[int]bool
	figuresAt   time.Time
	figuresDue  bool
	last        Figures
}

func (c *changes) init() {
	c.peers, c.links = map[int]bool{}, map[pair]bool{}
	c.discoveries, c.heals, c.faults = map[int]bool{}, map[int]bool{}, map[int]bool{}
}

func (c *changes) peer(n int)      { c.peers[n], c.any = true, true }
func (c *changes) discovery(n int) { c.discoveries[n], c.any = true, true }
func (c *changes) heal(n int)      { c.heals[n], c.any = true, true }
func (c *changes) fault(n int)     { c.faults[n], c.any = true, true }

func (c *changes) link(k pair, isNew bool) {
	c.links[k] = c.links[k] || isNew
	c.any = true
}

func (c *changes) gone(k pair, l LostLink) {
	delete(c.links, k)
	c.any = true
	c.lost = append(c.lost, l)
}

func (c *changes) event(e Event) {
	c.any = true
	if len(c.events) >= batchEvents {
		c.unsaid++
		return
	}
	c.events = append(c.events, e)
}

// Flush returns what has changed since the last time, or nil.
func (m *Model) Flush(now time.Time) *Batch {
	m.begin(now)
	m.settle(now)
	m.Parts() // a change of them is a change of peers
	m.pausedRoots()
	c := &m.changes
	messages, skipped := m.changedMessages()
	if c.any || len(messages)+skipped > 0 {
		c.figuresDue = true
	}
	due := c.figuresDue && now.Sub(c.figuresAt) >= figuresEvery
	if !c.any && len(messages)+skipped == 0 && !due {
		return nil
	}
	b := &Batch{At: millis(now), Messages: messages, Skipped: skipped, Gone: c.lost, Events: c.events, Unsaid: c.unsaid}
	c.lost, c.events, c.unsaid, c.any = nil, nil, 0, false
	for _, n := range take(c.peers) {
		if p := m.known(n); p != nil && p.seen {
			b.Peers = append(b.Peers, m.viewPeer(p))
		}
	}
	for _, k := range sortedPairs(c.links) {
		if c.links[k] {
			b.New = append(b.New, len(b.Links))
		}
		b.Links = append(b.Links, *m.links.up[k])
	}
	clear(c.links)
	if c.cut {
		cut := m.Cut()
		b.Cut, c.cut = &cut, false
	}
	b.Discoveries = pick(take(c.discoveries), &m.found.ring)
	b.Heals = m.viewHeals(pick(take(c.heals), &m.heals))
	b.Faults = m.viewFaults(pick(take(c.faults), &m.faults.ring))
	if due {
		m.flushFigures(b, now)
	}
	if b.empty() {
		return nil
	}
	c.seq++
	b.Seq = c.seq
	return b
}

// flushFigures counts, and tells if something is another.
func (m *Model) flushFigures(b *Batch, now time.Time) {
	c := &m.changes
	c.figuresAt, c.figuresDue = now, false
	f := m.Figures()
	// The rate falls while nothing happens.
	c.figuresDue = f.Rate > 0
	if !reflect.DeepEqual(f, c.last) {
		c.last, b.Figures = f, &f
	}
}

func (b *Batch) empty() bool {
	return len(b.Peers)+len(b.Links)+len(b.Gone)+len(b.Messages)+b.Skipped+len(b.Events)+b.Unsaid+len(b.Discoveries)+len(b.Heals)+len(b.Faults) == 0 &&
		b.Cut == nil && b.Figures == nil
}

// changedMessages are those that look another way than when they were last told of, the newest if there are too many.
func (m *Model) changedMessages() (out []MessageView, skipped int) {
	l := &m.messages
	if len(l.dirty) == 0 {
		return nil, 0
	}
	list := slices.SortedFunc(maps.Keys(l.dirty), func(a, b *message) int { return cmp.Compare(a.number, b.number) })
	clear(l.dirty)
	hops := 0
	for _, msg := range slices.Backward(list) {
		if !msg.shown() {
			continue
		}
		if len(out) >= batchMessages {
			skipped++
			continue
		}
		v := m.viewMessage(msg)
		look := v.look()
		if look == msg.look {
			continue
		}
		msg.look = look
		if hops += len(v.Hops.To); hops > batchHops {
			v.Hops = nil
		}
		out = append(out, v)
	}
	slices.Reverse(out)
	return out, skipped
}

// look is what makes a message worth telling of again.
type look struct {
	heard, owed, further, hops, tellers int
	took                                float64
	sure                                bool
}

func (v *MessageView) look() look {
	l := look{heard: v.Heard, owed: v.Owed, further: v.Further, hops: len(v.Hops.To), took: v.Took, sure: true}
	for _, from := range v.Hops.From {
		if from > 0 {
			l.tellers++
		}
	}
	return l
}

// take empties a set of numbers and returns them in order.
func take(set map[int]bool) []int {
	if len(set) == 0 {
		return nil
	}
	list := slices.Sorted(maps.Keys(set))
	clear(set)
	return list
}

// pick returns those of that number that are still kept.
func pick[T any](numbers []int, r *ring[T]) (out []T) {
	for _, n := range numbers {
		if v := r.at(n); v != nil {
			out = append(out, *v)
		}
	}
	return out
}

func sortedPairs[V any](set map[pair]V) []pair {
	return slices.SortedFunc(maps.Keys(set), func(a, b pair) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high)) })
}
