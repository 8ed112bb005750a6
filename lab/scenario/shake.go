package scenario

import (
	"context"
	"fmt"
	"time"

	"hearsay/lab/fleet"
)

// shake does what shakes the peers or the network, and marks it.
func (r *run) shake(ctx context.Context, kind, text string, do func(context.Context) error) error {
	r.say("%s", text)
	r.watch.disturb(ctx)
	at := r.since()
	r.mu.Lock()
	r.shaking, r.shakes = true, kind
	r.mu.Unlock()
	err := do(ctx)
	end := r.since()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shaking = false
	r.cut(at, end)
	r.watch.changed()
	r.marks = append(r.marks, Mark{Kind: kind, Text: text, Line: r.line, At: at, End: end, Meshed: -1, Flowed: -1, news: r.watch.news})
	return err
}

// cut notes from when on the network is cut or somebody paused, how, and when nothing is any more, after a step
// that lasted from at to end.
func (r *run) cut(at, end time.Duration) {
	net, paused := r.net, map[int]bool{}
	for _, l := range r.ledger.lives {
		if l.lives() && l.paused {
			paused[l.peer] = true
		}
	}
	broken := !net.whole() || len(paused) > 0
	l := r.ledger
	open := len(l.cuts) > 0 && l.cuts[len(l.cuts)-1].to.IsZero()
	if broken && !open {
		l.cuts = append(l.cuts, cut{from: r.began.Add(at)})
	}
	if len(l.cuts) == 0 {
		return
	}
	last := &l.cuts[len(l.cuts)-1]
	switch {
	case broken:
		last.sides = append(last.sides, func(peer int) int {
			if paused[peer] {
				return -peer
			}
			return net.side(peer)
		})
	case open:
		last.to, last.bytes = r.began.Add(end), l.bytes
	}
}

// add starts more peers.
func (r *run) add(ctx context.Context, n int, o fleet.Options) error {
	if o.Siphoner {
		// They must be known for what they are before they say anything.
		r.watch.expectSiphoners(n)
	}
	added, err := r.fleet.Add(ctx, n, o)
	if err != nil {
		return err
	}
	r.changed(added...)
	return nil
}

// changed notes that something was done to the processes of peers: who lives is known to be up.
func (r *run) changed(peers ...int) {
	all, now := r.fleet.Peers(), r.fleet.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch.changed()
	for _, n := range peers {
		p := placeOf(all, n)
		if !p.Alive {
			continue
		}
		l := r.ledger.begin(n, p.Run, p.Started, r.watch.siphoner(n))
		l.id, l.paused = p.ID, p.Paused
		if l.up.IsZero() {
			l.up = now
		}
	}
}

// placeOf is the place of a number; the zero Peer if there is none.
func placeOf(all []fleet.Peer, number int) fleet.Peer {
	for _, p := range all {
		if p.Number == number {
			return p
		}
	}
	return fleet.Peer{}
}

// event takes what the fleet tells.
func (r *run) event(e fleet.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case fleet.Started:
		r.ledger.begin(e.Peer, e.Run, e.At, r.watch.siphoner(e.Peer))
	case fleet.Ended:
		r.ledger.end(e.Peer, e.Run, e.At, e.Reason == "stop")
		if e.Reason != "stop" && e.Reason != "kill" {
			r.crashes = append(r.crashes, fmt.Sprintf("peer-%d (run %d) at %s", e.Peer, e.Run, short(e.At.Sub(r.began))))
		}
	case fleet.Paused, fleet.Resumed:
		if l := r.ledger.now[e.Peer]; l != nil && l.run == e.Run {
			l.paused = e.Kind == fleet.Paused
		}
	case fleet.Delivered:
		r.ledger.hear(e.Peer, e.Run, e.Message, e.At)
	case fleet.Missed:
		if l := r.ledger.now[e.Peer]; l != nil {
			l.missed += e.Count
		}
	}
	r.watch.event(&e)
	if r.cfg.Events != nil {
		r.cfg.Events(e)
	}
}
