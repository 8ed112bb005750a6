package overlay

// Warm reads what calls look at; see Mesh.Warm.
func (o *Overlay) Warm(depth int) (n uint64) {
	switch depth {
	case 0:
		n = uint64(len(o.order)) + uint64(len(o.linkIDs)) + o.root.seq + uint64(len(o.view.list)) +
			uint64(o.ping.nonce) + uint64(len(o.answers.list)) + uint64(len(o.effects.list)) + uint64(len(o.events.list)) +
			uint64(o.deadline.Nanosecond()) + uint64(len(o.trust.good)) + uint64(o.health.score)
	case 1:
		for i := 0; i < len(o.linkIDs); i += 8 {
			n += uint64(o.linkIDs[i])
		}
		for _, c := range o.order {
			n += uint64(c.state)
		}
	case 2:
		for _, c := range o.order {
			n += uint64(c.heard.Nanosecond()) + uint64(c.rtt)
		}
	}
	return n
}

// WarmView reads what a newcomer's announcement is measured by beside that; see Mesh.WarmView.
func (o *Overlay) WarmView() (n uint64) {
	for _, p := range o.view.list {
		n += uint64(p.free)
	}
	return n
}
