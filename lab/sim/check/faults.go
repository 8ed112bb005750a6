package check

import (
	"slices"
	"time"

	"hearsay/lab/quantity"
)

// episodes is how many things go wrong: mostly two to four, which may overlap as they like.
func (m *maker) episodes() int {
	n := 2
	for n < 8 && m.chance(60) {
		n++
	}
	return n
}

// episode adds one thing that goes wrong, with its end if it has one.
func (m *maker) episode() {
	from := m.settled
	if m.chance(15) || from >= m.End {
		from = 0
	}
	at := m.time(from, m.End)
	one(m,
		m.die, m.die, m.die, m.churn, m.pause, m.pause, m.split, m.split, m.isolate, m.oneWay, m.flap,
		m.clogs, m.clogs, m.spoil, m.spoil, m.firewall,
	)(at)
}

// late is a time after at, still in act one or cut off by its end.
func (m *maker) late(at, least, most time.Duration) time.Duration {
	return min(m.End, at+m.soon(least, most))
}

// mortal leaves out those who must not die: where newcomers have nobody else to ask, the peers of the join
// list are killed only if nobody starts any more, or come back at once.
func (m *maker) mortal(peers []int) []int {
	if m.orphans || len(m.JoinPeers) == 0 {
		return peers
	}
	return slices.DeleteFunc(peers, func(p int) bool { return slices.Contains(m.JoinPeers, p) })
}

// die ends some peers in one way or another; some start again.
func (m *maker) die(at time.Duration) {
	peers := m.mortal(m.few())
	if m.orphans && len(peers) > m.Peers/2 {
		peers = peers[:m.Peers/2]
	}
	if len(peers) == 0 {
		return
	}
	how := one(m, Kill, Kill, Kill, Crash, Crash, Stop, Restart)
	switch {
	case m.orphans && how == Restart:
		how = Kill
	case m.chance(50): // at one instant
		m.add(Step{At: at, Verb: how, Peers: peers})
		if how != Restart && !m.orphans && m.chance(50) {
			m.add(Step{At: m.late(at, time.Millisecond, 5*time.Second), Verb: Start, Peers: peers})
		}
		return
	}
	for _, p := range peers {
		then := m.late(at, time.Millisecond, 2*time.Second)
		m.add(Step{At: then, Verb: how, Peers: []int{p}})
		if how != Restart && !m.orphans && m.chance(50) {
			m.add(Step{At: m.late(then, time.Millisecond, 5*time.Second), Verb: Start, Peers: []int{p}})
		}
	}
}

// churn kills one peer after another, and starts each again.
func (m *maker) churn(at time.Duration) {
	every := m.soon(50*time.Millisecond, 2*time.Second)
	for range m.number(2, 5) {
		if peers := m.mortal(m.some(1)); len(peers) > 0 && !m.orphans {
			m.add(Step{At: at, Verb: Kill, Peers: peers})
			m.add(Step{At: m.late(at, time.Millisecond, 3*time.Second), Verb: Start, Peers: peers})
		}
		at += every
	}
}

// pause stops processes for a while: shorter than it takes to miss them, or much longer.
func (m *maker) pause(at time.Duration) {
	for _, p := range m.few() {
		m.add(Step{At: at, Verb: Pause, Peers: []int{p}})
		most := 12 * time.Second
		if m.chance(10) {
			most = 40 * time.Second // longer than TCP waits for an answer
		}
		m.add(Step{At: m.late(at, 30*time.Millisecond, most), Verb: Resume, Peers: []int{p}})
		if m.chance(50) {
			at = m.late(at, time.Millisecond, time.Second)
		}
	}
}

// split cuts the network into two parts or three.
func (m *maker) split(at time.Duration) {
	order := m.some(m.Peers)
	m.rng.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
	parts := 2
	if m.Peers > 2 && m.chance(30) {
		parts = 3
	}
	var groups [][]int
	for k := parts; k > 1; k-- {
		n := m.number(1, max(1, len(order)-k+1)/2+1)
		groups = append(groups, order[:n])
		order = order[n:]
	}
	groups = append(groups, order)
	for _, g := range groups {
		slices.Sort(g)
	}
	m.add(Step{At: at, Verb: Partition, Groups: groups})
	m.add(Step{At: m.late(at, 300*time.Millisecond, 12*time.Second), Verb: Partition})
}

// isolate cuts some peers off from everybody else.
func (m *maker) isolate(at time.Duration) {
	peers := m.few()
	m.add(Step{At: at, Verb: Cut, Peers: peers, Both: true})
	m.add(Step{At: m.late(at, 300*time.Millisecond, 12*time.Second), Verb: Free, Peers: peers, Both: true})
}

// oneWay lets nothing pass in one direction: from a peer, to it, or between a few.
func (m *maker) oneWay(at time.Duration) {
	s := Step{At: at, Verb: Cut, Peers: m.few()}
	switch {
	case m.chance(40):
		s.To = m.without(s.Peers)
	case m.chance(50):
		s.Peers, s.To = m.without(s.Peers), s.Peers
	}
	if len(s.Peers) == 0 {
		return
	}
	m.add(s)
	s.At, s.Verb = m.late(at, 300*time.Millisecond, 12*time.Second), Free
	m.add(s)
}

// without are a few peers, and none of the given ones.
func (m *maker) without(peers []int) []int {
	return slices.DeleteFunc(m.few(), func(p int) bool { return slices.Contains(peers, p) })
}

// flap cuts and frees what is between some peers by turns.
func (m *maker) flap(at time.Duration) {
	m.add(Step{At: at, Verb: Flap, Peers: m.few(), Both: m.chance(70), Every: m.soon(5*time.Millisecond, 2*time.Second), For: m.soon(500*time.Millisecond, 5*time.Second)})
}

// clogs slows or clogs links one by one, and frees them in another order.
func (m *maker) clogs(at time.Duration) {
	var ends []Step
	for range m.number(1, 6) {
		s := Step{At: at, Verb: one(m, Clog, Clog, Slow), Peers: m.some(1), Both: m.chance(50)}
		if m.chance(60) {
			if s.To = m.without(s.Peers); len(s.To) == 0 {
				continue
			}
		}
		if s.Verb == Slow {
			s.Bytes = one[quantity.Bytes](m, 512, 4<<10, 32<<10)
		}
		m.add(s)
		s.At, s.Verb, s.Bytes = m.late(at, 300*time.Millisecond, 8*time.Second), Free, 0
		ends = append(ends, s)
		at = m.late(at, time.Millisecond, 500*time.Millisecond)
	}
	for _, s := range ends {
		m.add(s)
	}
}

// spoil makes what is between some peers late, or loses part of it.
func (m *maker) spoil(at time.Duration) {
	s := Step{At: at, Verb: one(m, Lag, Lose), Peers: m.few(), Both: m.chance(50)}
	if m.chance(50) {
		if s.To = m.without(s.Peers); len(s.To) == 0 {
			return
		}
	}
	if s.Verb == Lag {
		mean := m.soon(5*time.Millisecond, 800*time.Millisecond)
		s.Delay = quantity.Spread{Mean: mean, By: one(m, 0, mean/2, mean).Round(time.Millisecond)}
		s.Delay.By = min(s.Delay.By, s.Delay.Mean)
	} else {
		s.Share = one[quantity.Share](m, 0.05, 0.2, 0.5, 0.9)
	}
	m.add(s)
	s.At, s.Verb, s.Delay, s.Share = m.late(at, 300*time.Millisecond, 10*time.Second), Free, quantity.Spread{}, 0
	m.add(s)
}

// firewall has nobody dial some peers for a while.
func (m *maker) firewall(at time.Duration) {
	peers := m.few()
	m.add(Step{At: at, Verb: Firewall, Peers: peers})
	m.add(Step{At: m.late(at, 500*time.Millisecond, 8*time.Second), Verb: Unfirewall, Peers: peers})
}
