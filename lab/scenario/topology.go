package scenario

import (
	"time"

	"hearsay/peer/node"
)

// Topology is who had links to whom at one moment, as the peers said themselves.
type Topology struct {
	At    time.Duration
	Peers []TopologyPeer
	Links []TopologyLink
}

// TopologyPeer is a place.
type TopologyPeer struct {
	Number   int
	Name     string
	Alive    bool
	Paused   bool
	Siphoner bool
	Root     bool
	Part     int // those of one number can reach each other over links
}

// TopologyLink is a link. From dialled.
type TopologyLink struct {
	From, To int
	Eager    bool // payload goes over it in one direction at least
	Half     bool // only one end knows of it: it is dying, or new
}

// keepBefore keeps what the mesh looked like before the first thing that shook it.
func (m *monitor) keepBefore() {
	if len(m.r.marks) <= 1 && !m.r.shaking && m.view != nil { // the first mark is the start
		m.before = m.topology()
	}
}

// keepWorst keeps the worst that the mesh looked like while something was broken: in most parts, and of those
// with the fewest links. Only if nothing ever is, it is while it grew: whoever has just started is a part of his own.
func (m *monitor) keepWorst() {
	if len(m.r.marks) <= 1 && !m.r.shaking {
		return
	}
	kind := m.r.shakes
	broken := kind != "heal" && kind != "resume" && kind != "start" && kind != "scale"
	if !broken && m.worstBroken {
		return
	}
	t := m.topology()
	if m.during == nil || broken && !m.worstBroken || t.parts() > m.during.parts() || t.parts() == m.during.parts() && len(t.Links) < len(m.during.Links) {
		m.during, m.worstBroken = t, broken
	}
}

// parts are those of the living.
func (t *Topology) parts() int {
	known := map[int]bool{}
	for _, p := range t.Peers {
		if p.Alive && !p.Siphoner {
			known[p.Part] = true
		}
	}
	return len(known)
}

func (m *monitor) topology() *Topology {
	v := m.view
	t := &Topology{At: m.seen.Sub(m.r.began)}
	byID := map[string]int{}
	for i, st := range v.statuses {
		if st != nil {
			byID[st.ID] = i
		}
	}
	root := m.root()
	for i, p := range v.peers {
		t.Peers = append(t.Peers, TopologyPeer{
			Number: p.Number, Name: p.Name, Alive: p.Alive, Paused: p.Paused, Siphoner: m.siphoner(p.Number), Root: i == root, Part: i,
		})
	}
	for i, st := range v.statuses {
		if st == nil {
			continue
		}
		for _, l := range st.Links {
			j, known := byID[l.ID]
			if known {
				t.link(i, j, st, v.statuses[j], &l)
			}
		}
	}
	return t
}

// link adds what peer i says of its link to j, once for each pair.
func (t *Topology) link(i, j int, own, far *node.Status, l *node.LinkStatus) {
	var back *node.LinkStatus
	for k := range far.Links {
		if far.Links[k].ID == own.ID {
			back = &far.Links[k]
		}
	}
	if back != nil && i > j {
		return // it was added from the other end
	}
	link := TopologyLink{From: t.Peers[i].Number, To: t.Peers[j].Number, Eager: l.Eager, Half: back == nil}
	if l.Dir == "in" {
		link.From, link.To = link.To, link.From
	}
	if back != nil {
		link.Eager = link.Eager || back.Eager
		t.join(t.Peers[i].Part, t.Peers[j].Part)
	}
	t.Links = append(t.Links, link)
}

// join makes one part of two.
func (t *Topology) join(a, b int) {
	for i := range t.Peers {
		if t.Peers[i].Part == b {
			t.Peers[i].Part = a
		}
	}
}

// root is the living peer with the lowest ID, or -1.
func (m *monitor) root() int {
	root := -1
	for i, st := range m.view.statuses {
		if st != nil && (root < 0 || st.ID < m.view.statuses[root].ID) {
			root = i
		}
	}
	return root
}
