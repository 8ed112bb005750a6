package control

import (
	"context"
	"time"

	"hearsay/lab/watch"
)

// spansWithin is how long after a delivery its span may still be on its way: it is sent with others, and a peer that has
// just gone on after a pause sends them late.
const spansWithin = 3 * time.Second

// account tells of a message. Who was told a moment ago has said so already, and by whom says the span that comes after it:
// that is waited for, as after a message that was just sent.
func (s *Server) account(ctx context.Context, message string) (*watch.Account, error) {
	a, err := s.cfg.Watch.Explain(message)
	if err != nil || a.Traced {
		return a, err
	}
	last := a.Said
	if a.TookMS > 0 {
		last = last.Add(time.Duration(a.TookMS * float64(time.Millisecond)))
	}
	if s.cfg.Fleet.Now().Sub(last) > spansWithin {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tracedWithin)
	defer cancel()
	s.cfg.Watch.Until(ctx, func(m *watch.Model) bool {
		if now, err := m.Account(a.ID); err == nil {
			a = now
		}
		return a.Traced
	})
	return a, nil
}
