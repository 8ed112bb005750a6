package watch

import (
	"time"
)

// The bounds of what is remembered. Where one is reached the oldest goes, and Figures.Forgotten counts it.
const (
	// MaxMessages is how many messages are remembered with all their hops, and MaxHops how many hops of them all
	// together: two thousand messages among two hundred and fifty peers.
	MaxMessages = 4096
	MaxHops     = 1 << 19
	// MaxCopies is how many further copies are remembered of one message at one peer: more come only where every
	// link is eager.
	MaxCopies = 8
	// MaxText is how much of a message's text is remembered, in bytes.
	MaxText = 512
	// MaxEvents bounds the log of events, and MaxLogs the peers' own log lines among them.
	MaxEvents = 4096
	MaxLogs   = 1024
	// MaxDiscoveries, MaxHeals and MaxFaults bound what their names say.
	MaxDiscoveries = 1024
	MaxHeals       = 1024
	MaxFaults      = 256
	// MaxRuns is how many runs of one place are remembered. Who was there when an older one spoke is then unknown.
	MaxRuns = 32
	// MaxPlaces bounds numbers of peers: beyond them nothing is told of a peer.
	MaxPlaces = 1 << 14
	// maxOrigins bounds the sequence numbers by which one peer's deliveries are checked; beyond them those of the
	// origin heard longest ago go unchecked.
	maxOrigins = 1024
	// maxSpells bounds how many pauses, and how many cuts, are remembered.
	maxSpells = 64
	// maxLost is how many lost links of one peer are remembered, to say why something was grafted.
	maxLost = 32
)

// Config is what a Model is told once. The zero value is good.
type Config struct {
	// Retain is how long peers keep messages for those who missed them; their --retain. 10 minutes by default.
	Retain time.Duration
	// Fault is told of each fault once it is known, and returns the name of the span that was made of it. Nil
	// makes none.
	Fault func(*Fault) SpanRef
}

// SpanRef names a span. The zero value names none.
type SpanRef struct {
	Trace [16]byte
	Span  [8]byte
}

// Model is everything that is known. One goroutine at a time may use it.
type Model struct {
	cfg Config
	now time.Time

	places    []*place // by number, from 1
	runs      map[string]runRef
	links     linkTable
	cut       cut
	lossy     losses
	parts     partTable
	partsPast partsPast
	messages  ledger
	events    ring[Event]
	logs      ring[Event]
	found     discoveries
	heals     ring[Heal]
	faults    faultLog
	measures  measures
	changes   changes
	forgotten uint64

	missedEvents uint64 // that a peer had no room to tell of
}

// NewModel returns a model that knows nothing.
func NewModel(cfg Config) *Model {
	if cfg.Retain == 0 {
		cfg.Retain = 10 * time.Minute
	}
	m := &Model{cfg: cfg, runs: map[string]runRef{}}
	m.links.init()
	m.messages.init()
	m.events.limit, m.logs.limit, m.heals.limit = MaxEvents, MaxLogs, MaxHeals
	m.found.init()
	m.faults.ring.limit = MaxFaults
	m.changes.init()
	return m
}

// begin is how every method begins that is told something. Time never goes back: an event that comes late is noted
// at its own time, and does not move the model's.
func (m *Model) begin(at time.Time) {
	if at.After(m.now) {
		m.now = at
	}
}

// ring keeps the newest of something, each with a number of its own from 1.
type ring[T any] struct {
	limit int
	list  []T
	gone  int // numbers that are no longer kept
}

// add returns the number of what it added.
func (r *ring[T]) add(v T) int {
	r.list = append(r.list, v)
	if len(r.list) > r.limit+r.limit/4 { // in strides, so that nothing is moved for each
		n := len(r.list) - r.limit
		r.list = append(r.list[:0:0], r.list[n:]...)
		r.gone += n
	}
	return r.gone + len(r.list)
}

// at is the one of that number, or nil.
func (r *ring[T]) at(number int) *T {
	if i := number - r.gone - 1; i >= 0 && i < len(r.list) {
		return &r.list[i]
	}
	return nil
}

// last is the newest n.
func (r *ring[T]) last(n int) []T { return r.list[max(0, len(r.list)-n):] }
