package check

import (
	"fmt"

	"hearsay/lab/sim"
)

// newcomer has one more peer start, which gets in, hears what is said and is heard.
func (p *play) newcomer() bool {
	if !p.findable() {
		return true
	}
	h := p.w.Add(sim.Options{Join: p.s.JoinPeers})
	p.hosts = append(p.hosts, h)
	p.note("start " + writePeers([]int{h.Number}))
	h.Start()
	in := p.within(enterWithin+p.lossy(), func() *sim.Violation {
		if out, in := h.Degree(); out+in > 0 {
			return nil
		}
		return &sim.Violation{Rule: "newcomer", Host: h, What: h.Name + ", which has just started, has no link"}
	})
	if !in || !p.say(h) || !p.say(p.honest()) {
		return false
	}
	return p.heard() && p.whole()
}

// findable reports whether a peer that starts now can find the others.
func (p *play) findable() bool {
	if len(p.s.JoinPeers) == 0 || !p.s.NoMulticast && p.s.Domains <= 1 {
		return p.honest() != nil
	}
	for _, n := range p.s.JoinPeers {
		if p.hosts[n-1].Alive() && !p.siphoner(p.hosts[n-1]) {
			return true
		}
	}
	return false
}

// honest picks a peer that runs and serves, or nil.
func (p *play) honest() *sim.Host {
	var list []*sim.Host
	for _, h := range p.hosts {
		if h.Alive() && !p.siphoner(h) {
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[p.w.Rand().IntN(len(list))]
}

// say publishes something. Nothing is wrong any more, so a peer that refuses it is at fault.
func (p *play) say(h *sim.Host) bool {
	return p.within(hearWithin, func() *sim.Violation {
		if _, err := h.Publish(text(h, p.w.Now(), 0, 0)); err != nil {
			return &sim.Violation{Rule: "busy", Host: h, What: fmt.Sprintf("%s cannot publish: %v", h.Name, err)}
		}
		return nil
	})
}
