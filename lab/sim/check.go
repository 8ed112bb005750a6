package sim

import (
	"fmt"
	"time"
)

// Safety is what must hold after every event. It is checked at the peer to which something happened, since
// nothing changes at the others; what is dear to check, the bounds of every table, is checked at every so
// many events, and at the end.

// boundsEvery is how many events of one peer pass between two looks at all of its tables.
const boundsEvery = 64

// guestPart is the overlay's own: siphoners hold at most one in six of a peer's slots.
const guestPart = 6

// checkHost checks one peer after something happened to it.
func (w *World) checkHost(h *Host) {
	h.turns++
	if h.linksChanged {
		h.linksChanged = false
		w.checkLinks(h)
	}
	if h.turns%boundsEvery == 0 {
		w.checkBounds(h)
	}
}

func (w *World) checkLinks(h *Host) {
	links, serve := w.slots(h)
	out, in := h.Degree()
	if out > links || in > serve {
		w.violateAt(h, nil, 0, "slots", fmt.Sprintf("%s has %d of %d outgoing links and %d of %d incoming ones", h.Name, out, links, in, serve))
	}
	siphoners := 0
	for i, l := range h.links {
		if l.id == h.id {
			w.violateAt(h, nil, 0, "pair", fmt.Sprintf("%s has a link to itself", h.Name))
		}
		for _, m := range h.links[i+1:] {
			if l.id == m.id {
				w.violateAt(h, nil, 0, "pair", fmt.Sprintf("%s has two links to %s", h.Name, w.nameOf(l.id)))
			}
		}
		if far := w.byID[l.id]; far != nil && !l.out && far.options.Firewalled {
			siphoners++
		}
	}
	if most := max(1, serve/guestPart); siphoners > most && !h.options.Firewalled {
		w.violateAt(h, nil, 0, "siphoner", fmt.Sprintf("%s gives %d of its %d slots to peers that nobody can dial, and may give %d", h.Name, siphoners, serve, most))
	}
}

// Check looks at all of the tables of every peer that runs.
func (w *World) Check() {
	for _, h := range w.hosts {
		if h.alive {
			w.checkBounds(h)
		}
	}
}

func (w *World) checkBounds(h *Host) {
	if err := h.mesh.Check(); err != nil {
		w.violateAt(h, nil, 0, "bounds", h.Name+": "+err.Error())
	}
}

func (w *World) slots(h *Host) (links, serve int) {
	links, serve = h.options.Links, h.options.Serve
	if links == 0 {
		links = w.cfg.Links
	}
	if serve == 0 {
		serve = w.cfg.Serve
	}
	return links, serve
}

// Parts are the components that the living peers' links form, the largest first. Only links that both ends
// have count. Siphoners count where they hold a link, and make no part of their own: nobody owes them one.
func (w *World) Parts() [][]*Host {
	const none = -1
	part := make([]int, len(w.hosts))
	for i := range part {
		part[i] = none
	}
	var parts [][]*Host
	for i, h := range w.hosts {
		if !h.alive || h.firewalled || part[i] != none {
			continue
		}
		list := []*Host{h}
		part[i] = len(parts)
		for k := 0; k < len(list); k++ {
			for _, l := range list[k].links {
				far := w.byID[l.id]
				if far != nil && far.alive && far.id == l.id && part[far.Number-1] == none && far.LinkedTo(list[k]) {
					part[far.Number-1] = len(parts)
					list = append(list, far)
				}
			}
		}
		parts = append(parts, list)
	}
	for i := range parts {
		if len(parts[i]) > len(parts[0]) {
			parts[0], parts[i] = parts[i], parts[0]
		}
	}
	return parts
}

// LinkedTo reports whether the host's peer has a link to another's.
func (h *Host) LinkedTo(far *Host) bool {
	for _, l := range h.links {
		if l.id == far.id {
			return true
		}
	}
	return false
}

// agrees reports whether the far side of a link has the same connection for its link to us, in the other
// direction.
func (h *Host) agrees(l linked, far *Host) bool {
	p := h.pipe(l.conn)
	for _, m := range far.links {
		if m.id == h.id && p != nil && m.conn == p.toConn {
			return m.out != l.out
		}
	}
	return false
}

// Meshed reports why the living peers are not one good mesh, or nothing if they are: one part, every link
// the same to both ends, and no honest peer with fewer neighbors than it should have.
func (w *World) Meshed() string {
	living := 0
	for _, h := range w.hosts {
		if h.alive {
			living++
		}
	}
	if living < 2 {
		return ""
	}
	if parts := w.Parts(); len(parts) > 1 {
		least := parts[len(parts)-1]
		return fmt.Sprintf("%d parts: the largest of %d, the smallest of %d with %s", len(parts), len(parts[0]), len(least), least[0].Name)
	}
	for _, h := range w.hosts {
		if !h.alive {
			continue
		}
		for _, l := range h.links {
			far := w.byID[l.id]
			if far == nil || !far.alive || far.id != l.id || !far.LinkedTo(h) {
				return fmt.Sprintf("%s has a link to %s, which has none to it", h.Name, w.nameOf(l.id))
			}
			if !h.agrees(l, far) {
				return fmt.Sprintf("%s and %s have a link to each other, and not the same", h.Name, far.Name)
			}
		}
		if len(h.links) < w.leastOf(h, living) && !h.firewalled {
			return fmt.Sprintf("%s has %d neighbors", h.Name, len(h.links))
		}
	}
	return ""
}

// leastOf is how many neighbors a peer has when so many live: two, so that it is not alone when one dies, but no
// more than it opens links, or than there are others.
func (w *World) leastOf(h *Host, living int) int {
	links, _ := w.slots(h)
	return min(2, links, living-1)
}

// Settle lets time pass until the mesh is whole and everything owed is delivered, or demands it: after most
// that is a violation. It returns how long it took.
func (w *World) Settle(most time.Duration) (took time.Duration, ok bool) {
	missing := 0
	took = w.Until(most, most/200+time.Millisecond, func() bool {
		if w.Meshed() != "" {
			return false
		}
		missing, _ = w.Missing(0)
		return missing == 0
	})
	if took < 0 && w.failure == nil {
		w.violateUnsettled(most)
	}
	return took, w.failure == nil
}

// violateUnsettled says what is still wrong so long after the last fault.
func (w *World) violateUnsettled(most time.Duration) {
	if why := w.Meshed(); why != "" {
		w.violate("whole", fmt.Sprintf("%v after the last fault: %s", most, why))
		return
	}
	n, list := w.Missing(1)
	m := list[0]
	w.violateAt(m.Host, m.Speaker, m.Seq, "lost", fmt.Sprintf("%v after the last fault %d deliveries are missing: %v", most, n, m))
}
