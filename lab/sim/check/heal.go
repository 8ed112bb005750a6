package check

import (
	"net/netip"

	"hearsay/lab/sim"
)

// heal ends all that is wrong. Those that have died stay dead; whoever is to come back was started again.
func (p *play) heal() {
	p.over = true
	p.note("everything is healed")
	for _, h := range p.hosts {
		h.Resume()
		h.Firewall(p.siphoner(h))
	}
	p.w.Heal()
	p.stake.endAll(p.w)
	if !p.findable() && !p.acquainted() {
		p.do(&Step{At: p.s.End, Verb: Start, Peers: p.s.JoinPeers})
	}
}

// acquainted reports whether the peers that live know one another, if only by others. If those on the join
// list have died before some could meet anybody, the name has to stand for somebody again: nothing else would
// help them.
func (p *play) acquainted() bool {
	at := map[netip.AddrPort]int{}
	part := make([]int, len(p.hosts))
	for i, h := range p.hosts {
		at[h.Addr()], part[i] = i, i
	}
	root := func(i int) int {
		for part[i] != i {
			i = part[i]
		}
		return i
	}
	living := func(h *sim.Host) bool { return h.Alive() && !p.siphoner(h) }
	for i, h := range p.hosts {
		if !living(h) {
			continue
		}
		for _, k := range h.Status().Known {
			if j, ok := at[k.Addr]; ok && living(p.hosts[j]) && p.hosts[j].ID() == k.ID {
				part[root(i)] = root(j)
			}
		}
	}
	one := -1
	for i, h := range p.hosts {
		switch {
		case !living(h):
		case one < 0:
			one = root(i)
		case root(i) != one:
			return false
		}
	}
	return true
}
