package script

import (
	"fmt"
	"time"

	"hearsay/lab/sim"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Observe is a sim.Watcher's.
func (s *Session) Observe(_ *sim.World, h *sim.Host, o *sim.Observation) {
	switch {
	case o.Link != nil:
		s.link(h, o.Link)
	case o.Overlay != nil:
		s.overlay(h, o.Overlay)
	case o.Broadcast != nil:
		s.broadcast(h, o.Broadcast)
	case o.Delivery != nil:
		s.delivery(h, o.Delivery)
	case o.Announced != nil && s.tell["announcements"]:
		s.say("%s announces itself: %s%s", h.Name, o.Announced.Why, s.to(o))
	}
}

func (s *Session) to(o *sim.Observation) string {
	for _, h := range s.hosts {
		if o.Announced.To.IsValid() && h.Addr().Addr() == o.Announced.To.Addr() {
			return ", to " + h.Name + " alone"
		}
	}
	return ""
}

// named is the name of the peer with an ID, of any of its runs.
func (s *Session) named(id wire.ID) string {
	for _, l := range s.w.Ledger.Lives() {
		if wire.NewOrigin(id, uint64(l.Run)) == l.Origin {
			return l.Host.Name
		}
	}
	return string(id)
}

func (s *Session) link(h *sim.Host, e *overlay.Effect) {
	if s.conns[h] == nil {
		s.conns[h] = map[uint64]string{}
	}
	far := s.named(e.Link.ID)
	s.conns[h][uint64(e.Link.Conn)] = far
	if !s.tell["links"] {
		return
	}
	switch {
	case e.Action == overlay.Down:
		s.say("%s has no link to %s any more: %s", h.Name, far, e.Reason)
	case e.Link.Out: // a little earlier the other end had it
		s.say("%s has a link to %s", h.Name, far)
	}
}

func (s *Session) overlay(h *sim.Host, e *overlay.Event) {
	far := e.Name
	if far == "" {
		far = s.at(e)
	}
	switch e.Kind {
	case overlay.Discovered:
		s.tellOf("discovery", "%s discovers %s: %s", h.Name, far, e.Reason)
	case overlay.Dialled:
		s.tellOf(dials(e), "%s dialled %s (%s, by %s): %s%s", h.Name, far, e.Purpose, e.By, e.Outcome, because(e))
	case overlay.Accepted:
		s.tellOf(dials(e), "%s was dialled by %s (%s): %s%s%s", h.Name, far, e.Purpose, e.Outcome, because(e), room(e.Priority))
	case overlay.Healed:
		s.tellOf("heals", "%s has made good the loss of %s after %v: %s", h.Name, far, e.End.Sub(e.Start).Round(10*time.Microsecond), e.Outcome)
	case overlay.Rooted:
		s.tellOf("roots", "%s follows another root: %s", h.Name, s.named(e.Peer))
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// at is the peer at an event's address.
func (s *Session) at(e *overlay.Event) string {
	for _, h := range s.hosts {
		if h.Addr() == e.Addr {
			return h.Name
		}
	}
	return "somebody"
}

// dials is the word for an event of one: probes, which go on for ever, are told only of those who ask.
func dials(e *overlay.Event) string {
	if e.Purpose == wire.PurposeProbe {
		return "probes"
	}
	return "dials"
}

func because(e *overlay.Event) string {
	if e.Reason == "" || string(e.Reason) == e.Outcome {
		return ""
	}
	return ", " + string(e.Reason)
}

func room(made bool) string {
	if made {
		return ", room was made for it"
	}
	return ""
}

func (s *Session) broadcast(h *sim.Host, e *plumtree.Event) {
	from := s.conns[h][uint64(e.Conn)]
	what := fmt.Sprintf("number %d of %s", e.Seq, s.origin(e.Origin))
	if e.From != e.Seq && e.From != 0 {
		what = fmt.Sprintf("numbers %d to %d of %s", e.From, e.Seq, s.origin(e.Origin))
	}
	switch e.Kind {
	case plumtree.Published:
		s.tellOf("messages", "%s publishes %s", h.Name, what)
	case plumtree.Processed:
		switch e.Outcome {
		case plumtree.Duplicate:
			s.tellOf("tree", "%s has %s again, from %s", h.Name, what, from)
		case plumtree.Dropped:
			s.tellOf("tree", "%s drops %s from %s: %s", h.Name, what, from, e.Reason)
		case plumtree.Delivered:
			s.tellOf("messages", "%s has %s from %s: %s, over %s", h.Name, what, from, e.Reason, plural(e.Hops, "link"))
		}
	case plumtree.Grafted:
		s.tellOf("tree", "%s grafts: it asks %s for %s", h.Name, from, what)
	case plumtree.Pruned:
		s.tellOf("tree", "%s prunes its link to %s", h.Name, from)
	case plumtree.CaughtUp:
		s.tellOf("tree", "%s has caught up with %s: it asked for %s, and got %d", h.Name, from, plural(int(e.Asked), "message"), e.Got)
	case plumtree.Lost:
		s.tellOf("tree", "%s gives %s up: %s", h.Name, what, e.Reason)
	}
}

func (s *Session) origin(o wire.Origin) string {
	for _, l := range s.w.Ledger.Lives() {
		if l.Origin == o {
			return l.Host.Name
		}
	}
	return string(o)
}

func (s *Session) delivery(h *sim.Host, d *plumtree.Delivery) {
	s.count(string(d.Body), h.Name)
}

func (s *Session) count(text, name string) {
	if s.heard[text] == nil {
		s.heard[text] = map[string]int{}
	}
	s.heard[text][name]++
}

// tellOf tells something if that is to be told.
func (s *Session) tellOf(word, format string, args ...any) {
	if s.tell[word] {
		s.say(format, args...)
	}
}
