package check

import (
	"slices"

	"hearsay/lab/sim"
)

// What is done to the network. Faults of one pair of peers compose: each adds to what is wrong, and Free ends it all.

func (p *play) partition(groups [][]int) {
	var parts [][]*sim.Host
	living := 0
	for _, g := range groups {
		var part []*sim.Host
		for _, n := range g {
			part = append(part, p.hosts[n-1])
		}
		if slices.ContainsFunc(part, (*sim.Host).Alive) {
			living++
		}
		parts = append(parts, part)
	}
	p.stake.end(p.w, 0, 0)
	if living > 1 {
		p.stake.begin(p.w, 0, 0)
	}
	p.w.Partition(parts...)
}

// between does what the step says to each pair.
func (p *play) between(s *Step) {
	for _, a := range s.Peers {
		to := s.To
		if len(to) == 0 {
			for _, h := range p.hosts {
				to = append(to, h.Number)
			}
		}
		for _, b := range to {
			if a == b {
				continue
			}
			if p.spoil(s, a, b); s.Both {
				p.spoil(s, b, a)
			}
		}
	}
	if s.Verb == Flap {
		p.flap(s, false)
	}
}

// flap frees what it has cut, and cuts what it has freed, until its time is over.
func (p *play) flap(s *Step, cut bool) {
	p.w.After(s.Every, func() {
		if p.over {
			return
		}
		next := *s
		if next.Verb = Cut; !cut {
			next.Verb = Free
		}
		p.between(&next)
		if cut || p.w.Now() < s.At+s.For {
			p.flap(s, !cut)
		}
	})
}

// spoil adds to what is wrong from a to b.
func (p *play) spoil(s *Step, a, b int) {
	k := [2]int{a, b}
	how := p.wrong[k]
	if how == nil {
		how = &sim.Spoiling{}
		p.wrong[k] = how
	}
	switch s.Verb {
	case Cut, Flap:
		how.Cut = true
	case Clog:
		how.Clog = true
	case Slow:
		how.Bandwidth = float64(s.Bytes)
	case Lag:
		how.Delay, how.Jitter = s.Delay.Mean-s.Delay.By, 2*s.Delay.By
	case Lose:
		how.Loss = float64(s.Share)
	case Free:
		*how = sim.Spoiling{}
	}
	if *how == (sim.Spoiling{}) {
		p.stake.end(p.w, a, b)
	} else if p.linked(a, b) {
		p.stake.begin(p.w, a, b)
	}
	p.w.Spoil(p.hosts[a-1], p.hosts[b-1], *how)
}

// linked reports whether two peers have a link, as either sees it.
func (p *play) linked(a, b int) bool {
	return p.hosts[a-1].LinkedTo(p.hosts[b-1]) || p.hosts[b-1].LinkedTo(p.hosts[a-1])
}
