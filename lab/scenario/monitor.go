package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// How often the mesh is looked at: closely while something is to be mended, and else often enough for curves
// over time. In virtual time nobody needs to look closely while nothing happens.
const (
	lookMending = 50 * time.Millisecond
	lookQuiet   = 250 * time.Millisecond
	// lookShare bounds what looking costs: of four parts of the time, one.
	lookShare = 3
	// statusFor is how long a peer has to say how it is.
	statusFor = 2 * time.Second
	// calmAfter is how long the mesh is whole, and people speak, until the tree that their messages take has
	// formed, and what is seen counts as steady.
	calmAfter = 2 * time.Second
	// flight is how long a message may be on its way: what was said so shortly before a fault may meet it.
	flight = 100 * time.Millisecond
	// maxSamples bounds the curves over time. When it is reached every second sample goes, and from then on
	// samples are taken half as often.
	maxSamples = 4000
)

// monitor looks at the mesh from outside: it asks every peer for its status, and knows no more than that.
// Its fields are guarded by the run's mu.
type monitor struct {
	r       *run
	looking sync.Mutex // one look at a time

	view    *view
	shape   shape
	looked  time.Time // when the last look began
	seen    time.Time // and ended
	news    int       // counts what was done to the peers and the network,
	known   int       // and how much of that had been done when the last look began
	dirty   bool      // something has happened since
	wanted  bool      // somebody waits for a look
	wake    chan struct{}
	hanging map[int]bool // siphoners

	counters map[[2]int]counters // of each run of each peer
	total    counters
	calm     calm

	samples []Sample
	every   time.Duration // between samples
	sampled time.Time

	before, during, after *Topology
	worstBroken           bool // during was seen while something was broken
}

// counters are what a peer counts itself, as far as figures are made of it.
type counters struct{ delivered, duplicates, announced uint64 }

func (c *counters) add(d counters, sign uint64) {
	c.delivered += sign * d.delivered
	c.duplicates += sign * d.duplicates
	c.announced += sign * d.announced
}

func newMonitor(r *run) *monitor {
	return &monitor{r: r, dirty: true, every: lookQuiet, wake: make(chan struct{}, 1), hanging: map[int]bool{}, counters: map[[2]int]counters{}}
}

// start has the mesh looked at from now on, where time is real. The result ends it, and may be called twice.
func (m *monitor) start(ctx context.Context) (stop func()) {
	if m.r.virtual {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			begun := time.Now()
			m.look(ctx)
			m.r.mu.Lock()
			pause := lookQuiet
			if m.mending() {
				pause = lookMending
			}
			m.r.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(max(pause, lookShare*time.Since(begun))):
			}
		}
	}()
	return func() { cancel(); <-done }
}

// due is when the mesh is to be looked at next, in virtual time.
func (m *monitor) due() time.Time {
	if m.dirty && m.mending() {
		return m.looked.Add(tickVirtual)
	}
	return m.looked.Add(m.every)
}

// mending reports whether somebody waits for the mesh to become whole.
func (m *monitor) mending() bool {
	if m.wanted || m.shape.why != "" {
		return true
	}
	for i := range m.r.marks {
		if m.r.marks[i].Meshed < 0 {
			return true
		}
	}
	return false
}

// event notes that the mesh may be another one.
func (m *monitor) event(e *fleet.Event) {
	switch e.Kind {
	case fleet.Started, fleet.Ended, fleet.Paused, fleet.Resumed, fleet.LinkUp, fleet.LinkDown, fleet.Faulted:
		m.dirty = true
	}
}

// look asks all peers how they are, and draws its conclusions.
func (m *monitor) look(ctx context.Context) {
	m.looking.Lock()
	defer m.looking.Unlock()
	r := m.r
	begun := r.fleet.Now()
	r.mu.Lock()
	m.dirty = false
	known := m.news
	r.mu.Unlock()
	v := m.ask(ctx)
	seen := r.fleet.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	m.view, m.looked, m.seen, m.known, m.wanted = v, begun, seen, known, false
	m.shape = v.judge(r.net.side, m.siphoner)
	for i, st := range v.statuses {
		if st != nil {
			m.count(v.peers[i], st)
		}
	}
	if m.shape.why == "" {
		for i := range r.marks {
			if k := &r.marks[i]; k.Meshed < 0 && k.news <= known {
				k.Meshed = max(0, seen.Sub(r.began.Add(k.From())))
			}
		}
	}
	m.calm.look(m, seen)
	m.sample(seen)
	m.keepWorst()
}

func (m *monitor) ask(ctx context.Context) *view {
	peers := m.r.fleet.Peers()
	v := &view{peers: peers, statuses: make([]*node.Status, len(peers)), errs: make([]error, len(peers))}
	var all sync.WaitGroup
	for i := range peers {
		if !v.counted(i) {
			continue
		}
		ask := func() {
			ctx, cancel := context.WithTimeout(ctx, statusFor)
			defer cancel()
			v.statuses[i], v.errs[i] = m.r.fleet.Status(ctx, peers[i].Number)
			if v.errs[i] != nil {
				v.statuses[i] = nil
			}
		}
		if m.r.virtual {
			ask()
		} else {
			all.Go(ask)
		}
	}
	all.Wait()
	return v
}

// count adds up what peers count. A run that has ended keeps what it said last.
func (m *monitor) count(p fleet.Peer, st *node.Status) {
	run := [2]int{p.Number, p.Run}
	now := counters{st.Messages.Delivered, st.Messages.Duplicates, st.Announce.Sent}
	m.total.add(m.counters[run], ^uint64(0))
	m.total.add(now, 1)
	m.counters[run] = now
}

// why says why the mesh is not whole, or nothing, as it was seen after all that was done to it.
func (m *monitor) why() string {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	if m.view == nil || m.known < m.news {
		m.dirty, m.wanted = true, true
		return "nobody has looked yet"
	}
	m.wanted = m.shape.why != ""
	return m.shape.why
}

// changed notes that something was done to the peers or the network: what was seen before says nothing of it.
func (m *monitor) changed() {
	m.news++
	m.dirty = true
}

// settled reports whether the mesh was seen whole after all that shook it.
func (m *monitor) settled() bool {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	return m.view != nil && !m.mending()
}

// account is the mesh in a few words.
func (m *monitor) account() string {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	parts := "one part"
	if m.shape.parts != 1 {
		parts = fmt.Sprintf("%d parts", m.shape.parts)
	}
	return fmt.Sprintf("%d links, %s", m.shape.links, parts)
}

// disturb is called before something shakes the mesh, or people fall silent: what was steady ends here.
func (m *monitor) disturb(ctx context.Context) {
	m.look(ctx)
	now := m.r.fleet.Now()
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	m.calm.end()
	m.keepBefore()
	said := m.r.ledger.said
	for i := len(said) - 1; i >= 0 && now.Sub(said[i].begun) < flight; i-- {
		said[i].steady = false
	}
}

func (m *monitor) steady() bool { return m.calm.open }

// siphoner reports whether a peer was added as one that nobody can dial.
func (m *monitor) siphoner(peer int) bool { return m.hanging[peer] }

// expectSiphoners says that the next peers that are added are such.
func (m *monitor) expectSiphoners(n int) {
	places := len(m.r.fleet.Peers())
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	for i := range n {
		m.hanging[places+1+i] = true
	}
}
