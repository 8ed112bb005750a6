package mesh

import (
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Status is a copy of what a peer knows of itself.
type Status struct {
	Started time.Time
	Self    wire.Announcement // as it would be announced now
	Links   []LinkStatus      // in the order of their peers' IDs
	Known   []wire.Candidate
	Overlay overlay.Stats
	Tree    plumtree.Stats
	Ready   bool // it has a link, or has been alone long enough to be the first
	Seeking bool
	IsRoot  bool
}

// LinkStatus is one link, and how messages go over it.
type LinkStatus struct {
	overlay.Link
	Eager bool
}

// aloneAfter is how long a peer looks for others before it takes itself for the first: several
// announcements and answers, and a join name resolved twice.
const aloneAfter = 2 * time.Second

// IsRoot reports whether this peer takes itself for the root.
func (m *Mesh) IsRoot() bool { return m.overlay.IsRoot() }

// Eager reports whether payload goes over a link, and not only announcements of it.
func (m *Mesh) Eager(conn wire.Conn) bool { return m.tree.Eager(conn) }

// Status returns a copy of the state.
func (m *Mesh) Status(now time.Time) Status {
	s := Status{
		Started: m.started, Self: m.overlay.Announcement(), Known: m.overlay.Known(),
		Overlay: m.overlay.Stats(), Tree: m.tree.Stats(),
		Seeking: m.overlay.Seeking(), IsRoot: m.overlay.IsRoot(),
	}
	for _, l := range m.overlay.Links() {
		s.Links = append(s.Links, LinkStatus{Link: l, Eager: m.tree.Eager(l.Conn)})
	}
	s.Ready = len(s.Links) > 0 || now.Sub(m.started) >= aloneAfter
	return s
}
