package watch

import (
	"context"
	"encoding/json"
	"time"

	"hearsay/lab/watch/otlp"
)

// State is everything that is known now, for people.
func (w *Watch) State() *State {
	defer w.lock()()
	s := w.model.State()
	s.Engine = w.engine
	return s
}

// now is the fleet's time. It is asked for without mu, since a fleet may tell of events while it holds its own lock.
func (w *Watch) now() time.Time {
	w.mu.Lock()
	clock := w.clock
	w.mu.Unlock()
	if clock == nil {
		return time.Time{}
	}
	return clock()
}

// lock has the model know what time it is and whose spans came, and returns what unlocks it.
func (w *Watch) lock() (unlock func()) {
	now := w.now()
	w.mu.Lock()
	w.model.begin(now)
	w.identified()
	return w.mu.Unlock
}

// Figures are the numbers now.
func (w *Watch) Figures() Figures {
	defer w.lock()()
	return w.model.Figures()
}

// Explain tells of a message: by its ID, the beginning of one, its trace's ID, its text, or last.
func (w *Watch) Explain(what string) (*Account, error) {
	defer w.lock()()
	return w.model.Account(what)
}

// Faults are the newest faults, the oldest first.
func (w *Watch) Faults() []Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.model.Faults()
}

// Parts are the members of each part of the mesh.
func (w *Watch) Parts() [][]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([][]int(nil), w.model.Parts()...)
}

// Replay is the past from that time on, for a while.
func (w *Watch) Replay(from time.Time, d time.Duration) Replay {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.history.replay(from, d)
}

// Store is where traces are kept.
func (w *Watch) Store() *otlp.Store { return w.store }

// Change is one Batch as JSON.
type Change struct {
	Seq  uint64
	JSON json.RawMessage
}

// maxChanges is how many batches After returns at once.
const maxChanges = 256

// After returns the batches that came after seq, and waits for one if there is none yet. If some of them are no longer
// kept ok is false: begin again from a State. The error is ctx's.
func (w *Watch) After(ctx context.Context, seq uint64) (list []Change, ok bool, err error) {
	for {
		w.mu.Lock()
		entries, ok := w.history.after(seq, maxChanges)
		changed := w.changed
		w.mu.Unlock()
		if !ok {
			return nil, false, nil
		}
		for _, e := range entries {
			list = append(list, Change{e.seq, e.json})
		}
		if len(list) > 0 {
			return list, true, nil
		}
		select {
		case <-ctx.Done():
			return nil, true, context.Cause(ctx)
		case <-changed:
		}
	}
}

// Until waits until the model says so, or ctx ends. It looks each time that something has changed. What done wants to
// know it asks the model: it must call neither the Watch, which waits for it, nor the fleet, which may wait for the
// Watch to hear of an event.
func (w *Watch) Until(ctx context.Context, done func(*Model) bool) error {
	for {
		unlock := w.lock()
		ok := done(w.model)
		changed := w.changed
		unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		case <-time.After(pollEvery): // what only time changes
		}
	}
}
