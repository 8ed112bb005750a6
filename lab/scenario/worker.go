package scenario

import (
	"context"
)

// worker publishes at one peer, where time is real: one message after the other, so that their order is
// known, and beside the other peers, so that one that hangs does not silence the rest.
type worker struct {
	queue chan task
}

type task struct {
	by   *life
	step *sendStep
}

// hand gives a message to its peer's worker. The caller holds mu.
func (r *run) hand(by *life, step *sendStep) {
	w := r.workers[by.peer]
	if w == nil {
		w = &worker{make(chan task, maxQueue)}
		r.workers[by.peer] = w
		r.working.Go(func() {
			for t := range w.queue {
				dropped := r.life.Err() != nil
				if !dropped {
					ctx, cancel := context.WithTimeout(r.life, publishFor)
					r.publish(ctx, t.by, t.step)
					cancel()
				}
				r.mu.Lock()
				r.queued--
				if dropped {
					r.skipped++
				}
				r.mu.Unlock()
			}
		})
	}
	select {
	case w.queue <- task{by, step}:
		r.queued++
	default:
		r.skipped++
	}
}
