package scenario

import (
	"context"
	"time"
)

// How often a condition is looked at that somebody waits for.
const (
	tickVirtual = 5 * time.Millisecond
	tickReal    = 20 * time.Millisecond
)

// sleep lets time pass.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	return r.pass(ctx, r.fleet.Now().Add(d))
}

// pass lets time pass until then. In virtual time it stops on the way wherever somebody is to speak, or the
// mesh is to be looked at.
func (r *run) pass(ctx context.Context, until time.Time) error {
	if !r.virtual {
		return r.fleet.Sleep(ctx, until.Sub(r.fleet.Now()))
	}
	for {
		now := r.fleet.Now()
		next := until
		if at := r.watch.due(); at.Before(next) {
			next = at
		}
		if at := r.speechDue(); !at.IsZero() && at.Before(next) {
			next = at
		}
		if err := r.fleet.Sleep(ctx, max(0, next.Sub(now))); err != nil {
			return err
		}
		now = r.fleet.Now()
		if err := r.speakDue(ctx, now); err != nil {
			return err
		}
		if !r.watch.due().After(now) {
			r.watch.look(ctx)
		}
		if !now.Before(until) {
			return nil
		}
	}
}

// until lets time pass until something is so, or for at most so long.
func (r *run) until(ctx context.Context, most time.Duration, so func() bool) (ok bool, err error) {
	tick := tickReal
	if r.virtual {
		tick = tickVirtual
	}
	end := r.fleet.Now().Add(most)
	for !so() {
		now := r.fleet.Now()
		if !now.Before(end) {
			return false, nil
		}
		if err := r.pass(ctx, earlier(now.Add(tick), end)); err != nil {
			return false, err
		}
	}
	return true, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
