package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hearsay/lab/fleet"
)

const (
	// maxQueue is how many messages wait for one peer that is slow to take them. What is due beyond that is
	// not said, and counted.
	maxQueue = 256
	// publishFor is how long a peer may take to accept a message: one that was paused or killed meanwhile
	// does not answer at all.
	publishFor = 5 * time.Second
	// behind is how late a speaker may be before it lets go of what it has not said.
	behind = time.Second
)

// speaker is a send that goes on.
type speaker struct {
	step *sendStep
	from []int // nil: whoever lives
	due  time.Time
	left int  // negative: no end
	last int  // who spoke last
	any  bool // something was due already
	done bool
	quit chan struct{} // closed when it is done
}

// speak begins a send.
func (r *run) speak(step *sendStep, from []int) {
	s := &speaker{step: step, from: from, due: r.fleet.Now(), left: -1, quit: make(chan struct{})}
	if step.count > 0 {
		s.left = step.count
	}
	r.say("%s", step)
	r.mu.Lock()
	r.speakers = append(r.speakers, s)
	r.mu.Unlock()
	if !r.virtual {
		r.talking.Go(func() { r.speakOn(s) })
	}
}

// speakOn is a speaker's goroutine, where time is real.
func (r *run) speakOn(s *speaker) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-timer.C:
		}
		now := r.fleet.Now()
		r.mu.Lock()
		due := !s.done && !s.due.After(now)
		r.mu.Unlock()
		if due {
			r.sayNext(context.Background(), s, now)
		}
		r.mu.Lock()
		next := s.due
		r.mu.Unlock()
		timer.Reset(max(0, next.Sub(r.fleet.Now())))
	}
}

// speechDue is when the next message is due; the zero time is never.
func (r *run) speechDue() (at time.Time) {
	for _, s := range r.speakers {
		if !s.done && (at.IsZero() || s.due.Before(at)) {
			at = s.due
		}
	}
	return at
}

// speakDue says what is due, in virtual time.
func (r *run) speakDue(ctx context.Context, now time.Time) error {
	for _, s := range r.speakers {
		for !s.done && !s.due.After(now) {
			if err := r.sayNext(ctx, s, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// sayNext says one message, and finds out when the next one is due.
func (r *run) sayNext(ctx context.Context, s *speaker, now time.Time) error {
	all := r.fleet.Peers()
	r.mu.Lock()
	s.due = s.due.Add(s.step.rate.Gap())
	if now.Sub(s.due) > behind {
		s.due = now
	}
	s.any = true
	if s.left > 0 {
		s.left--
	}
	if s.left == 0 || r.ledger.full() {
		s.finish()
	}
	tell := r.ledger.full() && !r.fullSaid
	r.fullSaid = r.fullSaid || tell
	by := r.nextSpeaker(s, all)
	switch {
	case by == nil:
		r.skipped++
	case !r.virtual:
		r.hand(by, s.step) // before anybody can see that the last one is due no longer
	}
	r.mu.Unlock()
	if tell {
		r.say("%d messages and %d deliveries are what an account can hold: nothing more is sent", maxMessages, maxDeliveries)
	}
	if by == nil || !r.virtual {
		return nil
	}
	return r.publish(ctx, by, s.step)
}

// unsaid says what sends have still to say that are to say so many messages, or nothing.
func (r *run) unsaid() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	left, of := 0, 0
	for _, s := range r.speakers {
		if !s.done && s.left > 0 {
			left, of = left+s.left, of+s.step.count
		}
	}
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d messages are still to be said", left, of)
}

// mute says that a send has said nothing yet, or nothing.
func (r *run) mute() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.speakers {
		if !s.done && !s.any {
			return "nothing was said yet"
		}
	}
	return ""
}

// sayingFor is how long it takes to say what is unsaid.
func (r *run) sayingFor() (d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.speakers {
		if !s.done && s.left > 0 {
			d = max(d, s.step.takes(s.left))
		}
	}
	return d
}

// finish ends a speaker. It may be called again.
func (s *speaker) finish() {
	if !s.done {
		s.done = true
		close(s.quit)
	}
}

// nextSpeaker is who comes after the last one, of those who can speak. Siphoners only do if they are asked by
// name: what they say may have nobody to go to.
func (r *run) nextSpeaker(s *speaker, all []fleet.Peer) *life {
	can := func(p fleet.Peer) bool {
		l := r.ledger.now[p.Number]
		if !p.Alive || p.Paused || l == nil || l.run != p.Run || l.up.IsZero() {
			return false
		}
		if s.from == nil {
			return !l.siphoner
		}
		return slices.Contains(s.from, p.Number)
	}
	for i := range all {
		p := all[(s.last+i)%len(all)]
		if can(p) {
			s.last = p.Number
			return r.ledger.now[p.Number]
		}
	}
	return nil
}

// publish says one message. An error is the engine's end, not the peer's refusal.
func (r *run) publish(ctx context.Context, by *life, step *sendStep) error {
	begun := r.fleet.Now()
	r.mu.Lock()
	said := r.ledger.speak(by, step.text, int(step.size), begun)
	said.steady = r.watch.steady()
	text := said.text()
	r.mu.Unlock()
	p, err := r.fleet.Publish(ctx, by.peer, []byte(text))
	now := r.fleet.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ledger.settle(said, p, err, now)
	return nil
}

// hush ends all sends.
func (r *run) hush(ctx context.Context) error {
	r.mu.Lock()
	talking := false
	for _, s := range r.speakers {
		talking = talking || !s.done
		s.finish()
	}
	said := len(r.ledger.said)
	r.mu.Unlock()
	if talking {
		r.watch.disturb(ctx)
		r.say("stop sending: %d messages", said)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return nil
}

// silence ends all sends, gives up what a peer has not taken until now, and waits until nothing is being said any
// more.
func (r *run) silence() {
	r.hush(context.Background())
	r.talking.Wait()
	r.endLife()
	r.mu.Lock()
	for n, w := range r.workers {
		close(w.queue)
		delete(r.workers, n)
	}
	r.mu.Unlock()
	r.working.Wait()
}
