package sim

import (
	"time"

	"hearsay/peer/wire"
)

// pipe is one direction of a connection: what was written at one end and not yet read at the other. Bytes
// never overtake one another on it.
type pipe struct {
	from, to         *Host
	fromRun, toRun   uint32
	fromConn, toConn wire.Conn
	back             *pipe // the other direction

	segments []segment
	head     int   // of segments: those before have been read
	bytes    int   // in segments
	last     int64 // when the newest of them arrives
	sent     int64 // when the wire is free again, if bandwidth is bounded
	latency  int64
	waiting  bool  // an evArrive is in the queue
	held     bool  // the network between the two is cut
	heldAt   int64 // since when
	full     bool  // the writer was told to wait
	dead     bool  // nothing comes out of it any more
	slow     bool  // it is in the World's list
	partial  []byte
}

// segment is what one write handed over: a frame, a piece of one, or an end.
type segment struct {
	at    int64
	frame []byte
	end   wire.Reason // the stream ends here: eof or reset
}

// push writes to the pipe.
func (p *pipe) push(w *World, frame []byte, end wire.Reason) {
	if p.dead {
		return
	}
	at := max(p.last, w.now+p.delay(w, len(frame)))
	p.last = at
	p.segments = append(p.segments, segment{at, frame, end})
	p.bytes += len(frame)
	if !p.full && p.bytes > highMark+kernelBytes {
		p.fill(w)
	}
	if p.held {
		return
	}
	if w.stopped(p.from, p.to) {
		p.hold(w)
		return
	}
	p.schedule(w)
}

// delay is how long n bytes take from now on.
func (p *pipe) delay(w *World, n int) int64 {
	d := p.latency
	if j := w.cfg.Jitter; j > 0 {
		d += int64(float64(d) * j * (2*w.rng.Float64() - 1))
	}
	bandwidth, loss := w.cfg.Bandwidth, w.cfg.Loss
	if r := w.rule(p.from, p.to); r != nil {
		d += int64(r.Delay)
		if r.Jitter > 0 {
			d += w.rng.Int64N(int64(r.Jitter))
		}
		if r.Bandwidth > 0 {
			bandwidth = r.Bandwidth
		}
		loss = max(loss, r.Loss)
		if !p.slow && r.slows() {
			p.slow = true
			w.slow = append(w.slow, p)
		}
	}
	if bandwidth > 0 {
		p.sent = max(p.sent, w.now) + int64(float64(n)/bandwidth*1e9)
		d += p.sent - w.now
	}
	for again := int64(rto); w.chance(loss) && again < int64(rtoMax); again *= 2 {
		d += again
	}
	return d
}

// schedule sees to it that somebody looks when the head arrives.
func (p *pipe) schedule(w *World) {
	if p.waiting || p.head == len(p.segments) {
		return
	}
	p.waiting = true
	e := w.queue.push(max(w.now, p.segments[p.head].at), evArrive)
	e.pipe = p
}

// hold keeps what is under way until the network is whole again.
func (p *pipe) hold(w *World) {
	p.held, p.heldAt = true, w.now
	w.held = append(w.held, p)
	w.queue.push(w.now+int64(stalledFor), evStalled).pipe = p
}

// release sends again what was held: TCP notices only when it tries again, which it does ever more rarely.
func (p *pipe) release(w *World) {
	p.held = false
	if p.dead || p.head == len(p.segments) {
		return
	}
	if !w.rule(p.from, p.to).slows() {
		p.hasten(w)
	}
	wait := min(max(w.now-p.heldAt, int64(rto)), int64(rtoMax))
	again := w.now + w.rng.Int64N(wait)
	for i := p.head; i < len(p.segments); i++ {
		p.segments[i].at = max(p.segments[i].at, again)
	}
	p.last = max(p.last, again)
	p.schedule(w)
}

// hasten lets what is in the pipe arrive sooner, if it would when sent anew.
func (p *pipe) hasten(w *World) {
	if p.dead || p.held || p.head == len(p.segments) || p.last <= w.now+2*p.latency {
		return
	}
	p.sent, p.last = w.now, w.now
	for i := p.head; i < len(p.segments); i++ {
		s := &p.segments[i]
		s.at = min(s.at, max(p.last, w.now+p.delay(w, len(s.frame))))
		p.last = s.at
	}
	p.waiting = false // the event that is in the queue comes too late
	p.schedule(w)
}

// stalled ends a connection whose bytes nobody has acknowledged for too long.
func (p *pipe) stalled(w *World) {
	if p.held && !p.dead && w.now-p.heldAt >= int64(stalledFor) {
		p.kill()
		if p.from.run == p.fromRun && p.from.alive {
			p.from.closed(p.fromConn, wire.ReasonReset)
		}
	}
}

// kill forgets what is in the pipe.
func (p *pipe) kill() {
	p.dead = true
	p.segments, p.head, p.bytes, p.partial = nil, 0, 0, nil
}

// arrive reads all that has crossed the network by now.
func (p *pipe) arrive(w *World) {
	p.waiting = false
	if p.dead || p.held || p.head == len(p.segments) {
		return
	}
	if w.stopped(p.from, p.to) {
		p.hold(w)
		return
	}
	h := p.to
	if h.run != p.toRun || !h.alive {
		p.kill() // nobody is there to read it; the kernel's reset comes by the other direction
		return
	}
	if h.paused {
		h.wet = append(h.wet, p)
		p.waiting = true
		return
	}
	for p.head < len(p.segments) && p.segments[p.head].at <= w.now && !p.dead {
		s := p.segments[p.head]
		p.segments[p.head] = segment{}
		p.head++
		p.bytes -= len(s.frame)
		if s.end != "" {
			p.kill()
			h.closed(p.toConn, s.end)
			break
		}
		w.Counts.Bytes += uint64(len(s.frame))
		h.receive(p, s.frame)
		if w.failure != nil {
			return
		}
	}
	if p.head == len(p.segments) {
		p.segments, p.head = p.segments[:0], 0
	}
	if p.full && p.bytes <= lowMark {
		p.full = false
		if p.from.run == p.fromRun && p.from.running() {
			p.from.mesh.Full(p.from.local(), p.fromConn, false)
			p.from.perform()
		}
	}
	h.perform()
	p.schedule(w)
}

// fill tells the writer that its queue is past the high mark.
func (p *pipe) fill(w *World) {
	p.full = true
	p.from.mesh.Full(p.from.local(), p.fromConn, true)
}

// overflowing reports whether the writer would give the connection up.
func (p *pipe) overflowing() bool { return p.bytes > hardMark+kernelBytes }

// burst cuts off a random part of what is still under way, in the middle of a frame as like as not: its
// writer died before it had written everything.
func (p *pipe) burst(w *World) {
	n := len(p.segments) - p.head
	if n == 0 || w.rng.IntN(2) == 0 {
		return
	}
	keep := p.head + w.rng.IntN(n+1)
	if keep < len(p.segments) {
		last := &p.segments[keep]
		if m := len(last.frame); m > 0 && last.end == "" {
			last.frame = last.frame[:w.rng.IntN(m+1)]
			keep++
		}
	}
	for i := keep; i < len(p.segments); i++ {
		p.bytes -= len(p.segments[i].frame)
	}
	p.segments = p.segments[:keep]
}

// sentAgo is for accounts: how long the oldest byte in the pipe has been under way.
func (p *pipe) sentAgo(w *World) time.Duration {
	if p.head == len(p.segments) {
		return 0
	}
	return time.Duration(w.now - p.segments[p.head].at)
}
