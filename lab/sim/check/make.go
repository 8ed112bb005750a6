package check

import (
	"math/rand/v2"
	"slices"
	"time"

	"hearsay/lab/quantity"
)

// maker makes a schedule from a seed. What it draws is rounded, so that the schedule's text says all of it.
type maker struct {
	*Schedule
	rng *rand.Rand
	// settled is when the peers that are there from the beginning have had time to form a mesh.
	settled time.Duration
	// orphans says that the peers of the join list may die, so that whoever starts later finds nobody.
	orphans bool
}

// Make makes the schedule of a seed, of least to most peers.
func Make(seed uint64, least, most int) *Schedule {
	m := &maker{
		Schedule: &Schedule{Seed: seed, Found: seed},
		rng:      rand.New(rand.NewPCG(seed, 0x7363686564756c65)),
	}
	m.Peers = least + m.rng.IntN(most-least+1)
	m.network()
	m.length()
	m.starts()
	m.speakers()
	for range m.episodes() {
		m.episode()
	}
	m.survivors()
	m.sort()
	return m.Schedule
}

// chance is true in so many of a hundred.
func (m *maker) chance(percent int) bool { return m.rng.IntN(100) < percent }

// time draws from [least, most], in whole milliseconds.
func (m *maker) time(least, most time.Duration) time.Duration {
	return least + time.Duration(m.rng.Int64N(int64((most-least)/time.Millisecond)+1))*time.Millisecond
}

// soon draws from [least, most], the shorter the likelier: each tenfold is as likely as the next.
func (m *maker) soon(least, most time.Duration) time.Duration {
	d := least
	for d < most && m.rng.IntN(3) > 0 {
		d *= 3
	}
	return m.time(d, min(3*d, max(most, d)))
}

// number draws from [least, most].
func (m *maker) number(least, most int) int { return least + m.rng.IntN(max(1, most-least+1)) }

// one of some values.
func one[T any](m *maker, values ...T) T { return values[m.rng.IntN(len(values))] }

// some are n different peers, or all of them.
func (m *maker) some(n int) []int {
	list := m.rng.Perm(m.Peers)[:min(n, m.Peers)]
	for i := range list {
		list[i]++
	}
	slices.Sort(list)
	return list
}

// few is one peer, or a few of them, or sometimes half.
func (m *maker) few() []int {
	switch {
	case m.chance(60):
		return m.some(1)
	case m.chance(80):
		return m.some(m.number(1, 1+m.Peers/4))
	}
	return m.some(m.number(1, m.Peers/2+1))
}

func (m *maker) add(s Step) {
	if s.At <= m.End {
		m.Steps = append(m.Steps, s)
	}
}

// network draws what the peers run on.
func (m *maker) network() {
	n := &m.Network
	slots := one(m, [2]int{3, 6}, [2]int{3, 6}, [2]int{3, 6}, [2]int{2, 4}, [2]int{2, 4}, [2]int{1, 1}, [2]int{1, 2}, [2]int{2, 2}, [2]int{3, 3})
	n.Links, n.Serve = slots[0], slots[1]
	const ms, us = time.Millisecond, time.Microsecond
	n.Latency = one(m,
		quantity.Range{Min: 50 * us, Max: 250 * us}, quantity.Range{Min: 50 * us, Max: 250 * us},
		quantity.Range{Min: 200 * us, Max: 5 * ms}, quantity.Range{Min: ms, Max: 20 * ms}, quantity.Range{Min: 10 * ms, Max: 60 * ms})
	n.Jitter = one[quantity.Share](m, 0, 0.1, 0.5)
	if m.chance(30) {
		n.Loss = one[quantity.Share](m, 0.001, 0.01, 0.03, 0.1)
	}
	if m.chance(8) {
		n.Bandwidth = one[quantity.Bytes](m, 64<<10, 256<<10, 1<<20)
	}
	switch {
	case m.chance(25):
		n.NoMulticast = true
	case m.chance(12):
		n.Domains = m.number(2, 3)
	}
	if n.NoMulticast || n.Domains > 1 {
		if n.Join = m.chance(60); !n.Join {
			n.JoinPeers = m.some(m.number(1, 2))
			m.orphans = m.chance(50)
		}
	}
	if m.chance(12) {
		n.Retain = m.time(5*time.Second, 20*time.Second)
	}
	if m.chance(10) {
		n.RetainBytes = one[quantity.Bytes](m, 16<<10, 32<<10, 64<<10)
	}
	if m.chance(10) && m.Peers > 4 && !m.orphans {
		m.Siphoners = slices.DeleteFunc(m.some(m.number(1, 3)), func(p int) bool { return slices.Contains(m.JoinPeers, p) })
	}
	if m.chance(10) {
		few := one(m, [2]int{1, 1}, [2]int{1, 3}, [2]int{2, 2}, [2]int{4, 12})
		m.Slots = []Slots{{m.some(m.number(1, 1+m.Peers/2)), few[0], few[1]}}
	}
	if m.chance(10) {
		m.History = m.some(m.number(1, 3))
	}
}

// length draws how long act one lasts: mostly as short as makes sense.
func (m *maker) length() {
	switch {
	case m.rng.IntN(400) == 0: // long enough for what happens every few minutes
		m.End = m.time(5*time.Minute, 12*time.Minute)
	case m.chance(2):
		m.End = m.time(60*time.Second, 150*time.Second)
	case m.chance(10):
		m.End = m.time(20*time.Second, 45*time.Second)
	default:
		m.End = m.time(4*time.Second, 14*time.Second)
	}
}

// starts has the peers start: all at one instant, or one by one, or some of them much later.
func (m *maker) starts() {
	all := m.some(m.Peers)
	m.settled = 3 * time.Second
	late := 0
	if m.chance(25) {
		late = m.number(1, m.Peers/3)
	}
	order := m.rng.Perm(m.Peers)
	if m.chance(35) {
		var first []int
		for _, i := range order[late:] {
			first = append(first, all[i])
		}
		slices.Sort(first)
		m.add(Step{Verb: Start, Peers: first})
	} else {
		within := m.soon(20*time.Millisecond, 2*time.Second)
		for _, i := range order[late:] {
			m.add(Step{At: m.time(0, within), Verb: Start, Peers: []int{all[i]}})
		}
	}
	for _, i := range order[:late] {
		m.add(Step{At: m.time(0, m.End*3/4), Verb: Start, Peers: []int{all[i]}})
	}
	if m.chance(15) {
		for _, p := range m.few() {
			m.add(Step{At: m.time(0, m.End/2), Verb: Skew, Peers: []int{p}, Speed: one(m, 0.9, 0.97, 0.99, 1.01, 1.03, 1.1)})
		}
	}
}

// speakers has some peers speak all the time, and some of them much at once.
func (m *maker) speakers() {
	for range m.number(1, 3) {
		at, count := m.time(0, m.End/3), m.number(5, 25)
		m.add(Step{
			At: at, Verb: Send, Peers: m.speaker(), Count: count,
			Every: max(time.Millisecond, ((m.End - at) / time.Duration(count)).Round(time.Millisecond)), Bytes: m.size(),
		})
	}
	for range m.number(0, 3) {
		m.add(Step{
			At: m.time(0, m.End), Verb: Send, Peers: m.speaker(), Count: m.number(1, 12),
			Every: one(m, 0, 0, time.Millisecond, 20*time.Millisecond, 300*time.Millisecond), Bytes: m.size(),
		})
	}
	if m.chance(3) && m.Peers <= 16 && m.Bandwidth == 0 { // so much that queues fill
		m.add(Step{At: m.time(m.End/4, m.End*3/4), Verb: Send, Peers: m.speaker(), Count: m.number(20, 60), Every: one(m, 0, time.Millisecond), Bytes: 60 << 10})
	}
}

// speaker is a peer that is owed a hearing: a siphoner may be without any link.
func (m *maker) speaker() []int {
	for {
		if p := m.some(1); !slices.Contains(m.Siphoners, p[0]) {
			return p
		}
	}
}

func (m *maker) size() quantity.Bytes {
	if m.chance(5) {
		return quantity.Bytes(m.number(1<<10, 8<<10))
	}
	return quantity.Bytes(m.number(1, 200))
}

// survivors sees to it that a mesh is left for act two: half of the dead, or so, come back at its beginning.
func (m *maker) survivors() {
	m.sort()
	alive := make([]bool, m.Peers+1)
	for _, s := range m.Steps {
		for _, p := range s.Peers {
			switch s.Verb {
			case Start, Restart:
				alive[p] = true
			case Stop, Kill, Crash:
				alive[p] = false
			}
		}
	}
	var living, back []int
	for p := 1; p <= m.Peers; p++ {
		if alive[p] && !slices.Contains(m.Siphoners, p) {
			living = append(living, p)
		}
	}
	for p := 1; p <= m.Peers; p++ {
		if !alive[p] && (len(living)+len(back) < 3 || m.chance(50)) {
			back = append(back, p)
		}
	}
	if len(back) > 0 && !m.orphans {
		m.add(Step{At: m.End, Verb: Start, Peers: back})
	}
}
