package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/lab/watch"
)

// lateWithin is how long what a delayed peer says may take beyond its delay.
const lateWithin = 3 * time.Second

// late has one of those say something that are delayed, and tells after how long the first of the others had it: that is
// the proof. It is no delay where that took less than half of the least that was asked for.
func (s *Server) late(ctx context.Context, d *deed, o *Outcome) {
	by := *d.by
	o.Text = d.said + "."
	peers := s.cfg.Fleet.Peers()
	i := slices.IndexFunc(peers, func(p fleet.Peer) bool { return p.Alive && !p.Paused && slices.Contains(d.peers, p.Number) })
	if i < 0 {
		return
	}
	from := peers[i].Number
	p, err := s.cfg.Fleet.Publish(ctx, from, []byte(question))
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, by.Mean+by.By+lateWithin)
	defer cancel()
	first, alone := -1.0, false
	s.cfg.Watch.Until(ctx, func(m *watch.Model) bool {
		alone = m.Running() < 2
		if a, err := m.Account(p.ID); err == nil {
			for _, t := range a.Tree {
				if t.Depth > 0 && t.Peer != from && (first < 0 || t.AtMS < first) {
					first = t.AtMS
				}
			}
		}
		return alone || first >= 0
	})
	who := nameOf(peers, from)
	switch {
	case alone:
	case first < 0:
		o.OK = false
		o.Text += fmt.Sprintf(" What %s then said nobody had heard %v later.", who, by.Mean+by.By+lateWithin)
	default:
		o.OK = first >= leastOf(by)/2
		o.Text += fmt.Sprintf(" What %s then said was heard first after %s.", who, millis(first))
	}
}

// leastOf is the least delay, in milliseconds.
func leastOf(by quantity.Spread) float64 { return float64((by.Mean - by.By).Microseconds()) / 1000 }
