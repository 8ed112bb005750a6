package sim

import (
	"fmt"
	"net/netip"

	"hearsay/peer/mesh"
	"hearsay/peer/wire"
)

// waves is into how many arrivals a datagram to everybody is dealt. Its receivers hear it at different
// times, as on a LAN, but thousands of them do not need as many events.
const waves = 16

// datagram is an announcement on its way to many.
type datagram struct {
	from         *Host
	source       netip.AddrPort
	announcement wire.Announcement
	// The receivers are every step-th host, from base on. The k-th of them is number (offset + k*stride) mod hosts: an
	// order that differs from datagram to datagram and favours nobody, without a list.
	base, step, offset, stride, hosts int
}

// heardGram is a datagram in the kernel's buffer of a paused process.
type heardGram struct {
	source       netip.AddrPort
	announcement *wire.Announcement
}

// send sends an announcement.
func (w *World) send(h *Host, d *mesh.Datagram) {
	w.digestFrame(h, d.Data)
	a, err := wire.ParseAnnouncement(d.Data)
	if err != nil {
		w.violate("frame", fmt.Sprintf("%s announced what nobody can read: %v", h.Name, err))
		return
	}
	if d.To.IsValid() {
		w.Counts.Answers++
	} else {
		w.Counts.Announcements++
	}
	g := &datagram{from: h, source: netip.AddrPortFrom(h.Addr().Addr(), 49152), announcement: a}
	if d.To.IsValid() {
		b := d.To.Addr().As4()
		n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if n < 1 || n > len(w.hosts) {
			return
		}
		to := w.hosts[n-1]
		g.base, g.step, g.hosts = n-1, 1, 1
		e := w.queue.push(w.now+w.crossing(h, to), evDatagram)
		e.gram, e.first, e.last = g, 0, 1
		return
	}
	if w.cfg.NoMulticast {
		return
	}
	// Those of its domain hear it, the sender among them, who does not listen.
	g.step = max(1, w.cfg.Domains)
	g.base = (h.Number - 1) % g.step
	n := (len(w.hosts) - g.base + g.step - 1) / g.step
	g.hosts, g.offset, g.stride = n, w.rng.IntN(n), w.stride(n)
	k := min(n, waves)
	for i := range k {
		e := w.queue.push(w.now+int64(w.between(w.cfg.LatencyMin, w.cfg.LatencyMax)), evDatagram)
		e.gram, e.first, e.last = g, i*n/k, (i+1)*n/k
	}
}

// stride draws a step that reaches all of n hosts.
func (w *World) stride(n int) int {
	if n < 3 {
		return 1
	}
	for {
		if s := 1 + w.rng.IntN(n-1); gcd(s, n) == 1 {
			return s
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// arrive lets receivers first to last hear the datagram. Those to whom it is more than noise are warmed up together.
func (g *datagram) arrive(w *World, first, last int) {
	now, plain := w.Time(), w.plain() && g.hosts > 1
	var listening [ahead]*Host
	n := 0
	at := (g.offset + first*g.stride) % g.hosts
	for range last - first {
		i := g.base + at*g.step
		if at += g.stride; at >= g.hosts {
			at -= g.hosts
		}
		if s := w.sites.at(i); plain && s.open && i != g.from.Number-1 && s.ears.Noise(now, &g.announcement) {
			w.Counts.Events++
			continue
		}
		listening[n] = w.hosts[i]
		if n++; n == ahead {
			g.heard(w, listening[:n])
			n = 0
		}
		if w.failure != nil {
			return
		}
	}
	g.heard(w, listening[:n])
}

// heard lets some of the receivers hear the datagram.
func (g *datagram) heard(w *World, by []*Host) {
	if w.large() {
		w.warm(by)
		for _, h := range by {
			if h.alive {
				w.warmth += h.mesh.WarmView()
			}
		}
	}
	for _, h := range by {
		if !h.alive || h.down || h == g.from {
			continue
		}
		if w.cut(g.from, h) || w.chance(w.lossOf(g.from, h)) {
			w.Counts.Lost++
			continue
		}
		if h.paused {
			if len(h.inbox) >= kernelDatagrams {
				w.Counts.Turned++
				continue
			}
			h.inbox = append(h.inbox, heardGram{g.source, &g.announcement})
			continue
		}
		w.Counts.Events++
		if !h.mesh.Heard(h.local(), g.source, &g.announcement) {
			continue
		}
		h.perform()
		if w.failure != nil {
			return
		}
	}
}

// plain reports whether everything passes that is sent by multicast.
func (w *World) plain() bool {
	return !w.groups && len(w.rules) == 0 && w.cfg.Loss <= 0
}

// resolve looks the join list up.
func (w *World) resolve(h *Host) {
	e := w.queue.push(w.now+int64(w.between(w.cfg.LatencyMin, 4*w.cfg.LatencyMax)), evResolved)
	e.host, e.run = h, h.run
}

// resolved tells a peer what its join list stands for: those that live, as a name that a runtime keeps, or
// the hosts that it was given.
func (h *Host) resolved() {
	if h.paused {
		h.lookups++
		return
	}
	w := h.w
	var addrs []netip.AddrPort
	if h.options.Join != nil {
		for _, n := range h.options.Join {
			addrs = append(addrs, addrOf(n))
		}
	} else {
		n := len(w.hosts)
		offset, stride := w.rng.IntN(n), w.stride(n)
		for k := 0; k < n && len(addrs) < w.cfg.JoinSample; k++ {
			if o := w.hosts[(offset+k*stride)%n]; o.alive && !o.gone {
				addrs = append(addrs, o.Addr())
			}
		}
	}
	w.Counts.Events++
	h.mesh.Joined(h.local(), addrs)
	h.perform()
}
