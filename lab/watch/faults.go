package watch

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hearsay/lab/fleet"
)

// Fault is something that was done to the peers or to the network, and how the mesh took it. Times are since it was
// done, in milliseconds, and negative while they are not known.
type Fault struct {
	Number    int     `json:"n"`
	At        float64 `json:"at"`
	Kind      string  `json:"kind"` // kill, stop, start, restart, scale, pause, resume, partition, isolate, delay, loss, heal, crash
	What      string  `json:"what"` // as a person would type it
	Peers     []int   `json:"peers"`
	Neighbors int     `json:"neighbors"`  // peers that were linked to those whom it befell, and can notice
	Links     int     `json:"links"`      // that it ended
	Noticed   float64 `json:"noticed_ms"` // until the last of these neighbors knew
	Slots     float64 `json:"slots_ms"`   // until the last mending that it caused was done
	Healed    float64 `json:"healed_ms"`  // until the mesh was whole again, or each part of it that is cut off on purpose
	Flowed    float64 `json:"flowed_ms"`  // until the first message that was said after it was everywhere
	Heals     []int   `json:"heals"`      // the mendings that it caused
	Trace     string  `json:"trace"`

	at     time.Time
	doomed map[doomedEnd]bool // ends that lead to whom it befell, at peers that have not noticed
	near   map[int]bool       // the Neighbors
	last   time.Time          // when one of them noticed; zero if none has
	span   SpanRef
	alone  bool // made from a death that nobody announced yet
	was    cut  // the division that it made
}

// doomedEnd is a peer's end of a link to somebody's ID.
type doomedEnd struct {
	at  int
	far string
}

// faultLog is the faults, and those that are not mended yet.
type faultLog struct {
	ring[Fault]
	open []int // numbers of those whose Healed or Flowed is not known
}

const (
	// maxOpenFaults bounds those that wait to be mended. Beyond it the oldest stays as it is.
	maxOpenFaults = 16
	// mergeFor is how long after a death the fleet may take to say that it was a fault of its own.
	mergeFor = 5 * time.Second
	// causeBefore is how long after a fault a mending may begin that it caused: silence is noticed after three
	// pings, at the far end of a cut later still.
	causeBefore = 15 * time.Second
	// causeSlack is by how much a mending may seem to begin before its fault: a fault's time is when it was known
	// to have taken effect.
	causeSlack = 500 * time.Millisecond
)

// kindOf is the fault in what a fleet says it did.
func kindOf(what string) string {
	word, _, _ := strings.Cut(what, " ")
	return strings.ToLower(strings.TrimRight(word, ":"))
}

// faulted takes a fault that the fleet has made.
func (m *Model) faulted(e *fleet.Event) {
	f := Fault{Kind: kindOf(e.Reason), What: e.Reason, Peers: slices.Clone(e.Peers), at: e.At}
	if f.Kind == string(fleet.FaultAdd) && !slices.ContainsFunc(m.places, func(p *place) bool { return p.seen && !slices.Contains(e.Peers, p.Number) }) {
		return // the first peers disturb nobody
	}
	_, rest, _ := strings.Cut(e.Reason, " ")
	switch f.Kind {
	case string(fleet.FaultPartition):
		if groups, ok := parseGroups(rest); ok {
			m.recut(groups, nil, e.At)
		}
	case string(fleet.FaultIsolate):
		m.recut(m.cut.groups, union(m.cut.alone, e.Peers), e.At)
	case "heal":
		m.recut(nil, nil, e.At)
	}
	if f.divides() {
		f.was = cut{groups: m.cut.groups, alone: m.cut.alone}
	}
	if i := m.merges(&f); i > 0 {
		had := m.faults.at(i)
		had.What, had.Kind, had.Peers, had.alone = f.What, f.Kind, union(had.Peers, f.Peers), false
		m.spanOf(had)
		return
	}
	m.openFault(f)
}

func union(a, b []int) []int {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// died notes that a run ended, which is a fault whoever did it.
func (m *Model) died(p *place, how string, at time.Time) {
	for _, i := range m.faults.open {
		if f := m.faults.at(i); f != nil && at.Sub(f.at).Abs() < mergeFor && slices.Contains(f.Peers, p.Number) && f.deadly() {
			m.doom(f, []int{p.Number})
			return
		}
	}
	for _, i := range m.faults.open {
		// Several that end within a moment are one fault: half of them killed.
		if f := m.faults.at(i); f != nil && f.alone && f.Kind == how && at.Sub(f.at) < causeSlack {
			f.Peers = union(f.Peers, []int{p.Number})
			f.What = how + " " + numbers(f.Peers)
			m.doom(f, []int{p.Number})
			m.changes.fault(f.Number)
			return
		}
	}
	m.openFault(Fault{Kind: how, What: how + " " + itoa(p.Number), Peers: []int{p.Number}, at: at, alone: true})
}

func (f *Fault) deadly() bool {
	return f.Kind == "kill" || f.Kind == "stop" || f.Kind == "crash" || f.Kind == "restart"
}

// merges returns the number of the fault that was made of deaths and that f announces, or 0.
func (m *Model) merges(f *Fault) int {
	if !f.deadly() {
		return 0
	}
	for _, i := range m.faults.open {
		had := m.faults.at(i)
		if had != nil && had.alone && f.at.Sub(had.at).Abs() < mergeFor && slices.ContainsFunc(f.Peers, func(n int) bool { return slices.Contains(had.Peers, n) }) {
			return i
		}
	}
	return 0
}

func (m *Model) openFault(f Fault) {
	f.At, f.Noticed, f.Slots, f.Healed, f.Flowed = millis(f.at), -1, -1, -1, -1
	if f.Peers == nil {
		f.Peers = []int{}
	}
	f.Heals = []int{}
	f.Number = m.faults.add(f)
	had := m.faults.at(f.Number)
	had.Number = f.Number
	m.doom(had, had.Peers)
	if len(m.faults.open) == maxOpenFaults {
		m.faults.open = slices.Delete(m.faults.open, 0, 1)
	}
	m.faults.open = append(m.faults.open, had.Number)
	if !had.alone {
		m.spanOf(had)
	}
	m.note(Event{At: had.at, Kind: string(fleet.Faulted), Text: had.What, Peers: had.Peers})
	m.recheck(m.measures.shaken) // it may be mended already, where what it did was told before it was
	m.changes.fault(had.Number)
}

// done reports whether the fault has taken effect, as far as events tell.
func (f *Fault) done(m *Model) bool {
	all := func(ok func(*place) bool) bool {
		return !slices.ContainsFunc(f.Peers, func(n int) bool { p := m.known(n); return p != nil && !ok(p) })
	}
	// A newcomer that nobody has told of yet does not run.
	known := !slices.ContainsFunc(f.Peers, func(n int) bool { return m.known(n) == nil })
	switch f.Kind {
	case "kill", "stop", "crash":
		return all(func(p *place) bool { return !p.Alive || p.Started.After(f.at) })
	case "start", "restart", "scale":
		return known && all(func(p *place) bool { return p.Alive && !p.Started.Before(f.at.Add(-causeSlack)) })
	case "pause":
		return all(func(p *place) bool { return !p.running() || p.pausedSince(f.at) })
	case "resume":
		return all(func(p *place) bool { return !p.Paused })
	default:
		return true
	}
}

// shakes reports whether the fault changes who is linked to whom.
func (f *Fault) shakes() bool { return f.Kind != "delay" && f.Kind != "loss" }

// spanOf has a span made of a fault that is known for what it is.
func (m *Model) spanOf(f *Fault) {
	if m.cfg.Fault != nil && f.span == (SpanRef{}) {
		f.span = m.cfg.Fault(f)
		if f.span != (SpanRef{}) {
			f.Trace = traceText(f.span.Trace)
		}
	}
	m.changes.fault(f.Number)
}

// doom finds the ends that lead to these, whom a fault befell: their neighbors are to notice, but for those whom it befell
// too.
func (m *Model) doom(f *Fault, peers []int) {
	if !f.silences() {
		return
	}
	if f.doomed == nil {
		f.doomed, f.near = map[doomedEnd]bool{}, map[int]bool{}
	}
	links := map[pair]bool{}
	for _, p := range m.places {
		if !p.running() {
			continue
		}
		for far := range p.ends {
			n := m.numberOf(far)
			cutOff := slices.Contains(peers, n) && !slices.Contains(f.Peers, p.Number)
			if f.divides() {
				cutOff = f.was.separates(n, p.Number)
			}
			if cutOff {
				f.doomed[doomedEnd{p.Number, far}], f.near[p.Number] = true, true
				links[pairOf(p.Number, n)] = true
			}
		}
	}
	f.Neighbors, f.Links = len(f.near), max(f.Links, len(links))
}

// spared says that a peer notices nothing any more, having ended or been paused: no fault waits for it.
func (m *Model) spared(p *place) {
	for _, i := range m.faults.open {
		f := m.faults.at(i)
		if f == nil {
			continue
		}
		before := len(f.doomed)
		maps.DeleteFunc(f.doomed, func(e doomedEnd, _ bool) bool { return e.at == p.Number })
		if len(f.doomed) == before {
			continue // it has noticed, or was not to
		}
		delete(f.near, p.Number)
		f.Neighbors = len(f.near)
		m.allNoticed(f)
	}
}

// allNoticed says when the last neighbor has noticed, once all have.
func (m *Model) allNoticed(f *Fault) {
	if len(f.doomed) == 0 && !f.last.IsZero() {
		f.Noticed = sinceMS(f.at, f.last)
	}
	m.changes.fault(f.Number)
}

// silences reports whether the fault ends links.
func (f *Fault) silences() bool {
	return f.deadly() || f.divides() || f.Kind == string(fleet.FaultPause)
}

// divides reports whether the fault cuts the network.
func (f *Fault) divides() bool {
	return f.Kind == string(fleet.FaultPartition) || f.Kind == string(fleet.FaultIsolate)
}

// noticed says that a peer's end of a link is gone.
func (m *Model) noticed(p *place, far string, at time.Time) {
	for _, i := range m.faults.open {
		f := m.faults.at(i)
		if f == nil || !f.doomed[doomedEnd{p.Number, far}] {
			continue
		}
		delete(f.doomed, doomedEnd{p.Number, far})
		f.last = at
		m.allNoticed(f)
	}
}

// mending reports whether some fault is not mended yet.
func (l *faultLog) mending() bool {
	return slices.ContainsFunc(l.open, func(i int) bool { f := l.at(i); return f != nil && f.Healed < 0 })
}

// whole says that the mesh is as whole as it can be.
func (l *faultLog) whole(m *Model, at time.Time) {
	for _, i := range l.open {
		f := l.at(i)
		if f == nil || f.Healed >= 0 || !f.shakes() || !f.done(m) {
			continue
		}
		f.Healed = sinceMS(f.at, at)
		m.measures.healed, m.measures.mended = f.Healed, true
		m.changes.fault(i)
	}
	l.close()
}

// everywhere says that a message has reached all who are owed it.
func (l *faultLog) everywhere(m *Model, said, last time.Time) {
	for _, i := range l.open {
		if f := l.at(i); f != nil && f.Flowed < 0 && !said.Before(f.at) {
			f.Flowed = sinceMS(f.at, last)
			m.measures.flowed, m.measures.flows = f.Flowed, true
			m.changes.fault(i)
		}
	}
	l.close()
}

// close forgets which faults are open of those that are no longer.
func (l *faultLog) close() {
	l.open = slices.DeleteFunc(l.open, func(i int) bool {
		f := l.at(i)
		return f == nil || len(f.doomed) == 0 && f.Flowed >= 0 && (f.Healed >= 0 || !f.shakes())
	})
}

func (f *Fault) slotsFull(at time.Time) { f.Slots = max(f.Slots, sinceMS(f.at, at)) }

// numbers is a list of peers as people type it.
func numbers(list []int) string {
	var words []string
	for _, n := range list {
		words = append(words, itoa(n))
	}
	return strings.Join(words, ",")
}
