package sim

import (
	"net/netip"
	"slices"

	"hearsay/peer/wire"
)

// dial is a TCP handshake.
type dial struct {
	from    *Host
	fromRun uint32
	conn    wire.Conn
	to      *Host // nil if nobody has the address
	began   int64
	refused bool
	out     *pipe // of from, once to's kernel has said yes
}

// dial sends a SYN.
func (w *World) dial(h *Host, conn wire.Conn, addr netip.AddrPort) {
	d := &dial{from: h, fromRun: h.run, conn: conn, to: w.hostAt(addr), began: w.now}
	h.dials = append(h.dials, d)
	w.Counts.Dials++
	if d.to == nil {
		w.queue.push(w.now+int64(dialFor), evUnopened).dial = d
		return
	}
	w.queue.push(w.now+w.crossing(h, d.to), evDial).dial = d
}

// dialled is a SYN's arrival.
func (w *World) dialled(d *dial) {
	h := d.to
	unreached := h.gone || w.cut(d.from, h) || w.cut(h, d.from) || h.firewalled && h != d.from
	if unreached || w.chance(w.cfg.Loss) {
		// The kernel tries once more before the shell gives up.
		if again := w.now + int64(synRetry); again < d.began+int64(dialFor) {
			w.queue.push(again, evDial).dial = d
		} else {
			w.queue.push(d.began+int64(dialFor), evUnopened).dial = d
		}
		return
	}
	if d.from.run != d.fromRun || !d.from.alive {
		return
	}
	back := w.now + w.crossing(h, d.from)
	if !h.alive || h.down {
		d.refused = true
		w.queue.push(back, evUnopened).dial = d
		return
	}
	if h.paused && len(h.backlog) >= backlog {
		w.queue.push(d.began+int64(dialFor), evUnopened).dial = d
		return
	}
	out := &pipe{from: d.from, to: h, fromRun: d.fromRun, toRun: h.run, fromConn: d.conn, latency: w.latency(d.from, h)}
	in := &pipe{from: h, to: d.from, fromRun: h.run, toRun: d.fromRun, toConn: d.conn, latency: w.latency(h, d.from)}
	out.back, in.back = in, out
	d.out = out
	w.queue.push(back, evOpened).dial = d
	if h.paused {
		h.backlog = append(h.backlog, d)
		return
	}
	h.accept(d)
}

// accept takes a connection that the kernel has.
func (h *Host) accept(d *dial) {
	in := d.out.back
	if in.dead {
		return
	}
	h.w.Counts.Events++
	conn := h.mesh.Accepted(h.local(), netip.AddrPortFrom(d.from.Addr().Addr(), uint16(32768+uint64(d.conn)%16384)))
	d.out.toConn, in.fromConn = conn, conn
	h.ends = append(h.ends, end{conn, in})
	h.perform()
}

// take removes the dial from its host's list; false says that it has been given up.
func (d *dial) take() bool {
	h := d.from
	if h.run != d.fromRun || !h.alive {
		return false
	}
	i := slices.Index(h.dials, d)
	if i < 0 {
		return false
	}
	h.dials = slices.Delete(h.dials, i, i+1)
	return true
}

// opened is the answer's arrival.
func (d *dial) opened(w *World) {
	if d.from.paused && d.from.run == d.fromRun {
		d.from.answers = append(d.from.answers, d)
		return
	}
	if !d.take() {
		d.out.push(w, nil, wire.ReasonEOF)
		d.out.back.kill()
		return
	}
	h := d.from
	h.ends = append(h.ends, end{d.conn, d.out})
	w.Counts.Events++
	h.mesh.Opened(h.local(), d.conn, d.to.Addr())
	h.perform()
}

// failed is the end of a dial that came to nothing.
func (d *dial) failed(w *World) {
	if d.from.paused && d.from.run == d.fromRun {
		d.from.answers = append(d.from.answers, d)
		return
	}
	if !d.take() {
		return
	}
	reason := wire.ReasonUnreached
	if d.refused {
		reason = wire.ReasonRefused
	}
	w.Counts.Events++
	d.from.mesh.Closed(d.from.local(), d.conn, reason)
	d.from.perform()
}

// crossing draws how long a packet takes between two hosts.
func (w *World) crossing(a, b *Host) int64 {
	d := w.latency(a, b)
	if r := w.rule(a, b); r != nil {
		d += int64(r.Delay)
	}
	return d
}

// latency draws how long it takes where nothing is wrong. A connection keeps it: what is wrong may end before.
func (w *World) latency(a, b *Host) int64 {
	d := w.between(w.cfg.LatencyMin, w.cfg.LatencyMax)
	if a == b {
		d = w.cfg.LatencyMin
	}
	return int64(d)
}
