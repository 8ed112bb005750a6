package replicas

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

// run is one life of a peer, as far as it is seen.
type run struct {
	fleet *Fleet
	at    netip.AddrPort
	eye   *hook.Onlooker

	place  *place // from seat on, as the following
	id     string
	number int
	run    int
}

// meet watches whoever answers at an address, until that is over. Waits is since when somebody answered who has no place.
func (f *Fleet) meet(ctx context.Context, at netip.AddrPort, waits *time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{fleet: f, at: at}
	r.eye = hook.NewOnlooker(at.String(), f.transport, r.told)
	s, err := r.eye.Begin(ctx, answerWithin)
	if err != nil {
		*waits = time.Time{}
		return
	}
	now := time.Now()
	if waits.IsZero() {
		*waits = now
	}
	if !f.seat(r, s, now.Sub(*waits)) {
		r.eye.Hush()
		r.eye.Listen() // to its end, which is now
		return
	}
	*waits = time.Time{}
	if ended := r.watch(ctx); ctx.Err() == nil {
		f.over(r, ended)
	}
}

// told hands on what the eye tells.
func (r *run) told(e *hook.Event) { r.fleet.Emit(hold.Event(r.number, r.run, e)) }

// watch looks and listens until the run is over, and returns when that was.
func (r *run) watch(ctx context.Context) time.Time {
	for {
		heard := make(chan struct{})
		var silent time.Time
		go func() {
			defer close(heard)
			r.eye.Listen()
			silent = time.Now()
		}()
		gone := r.look(ctx, heard)
		at := time.Now()
		r.eye.Hush()
		<-heard
		if gone || ctx.Err() != nil {
			return at
		}
		// It has died, or we have read too slowly.
		s, err := r.eye.Begin(ctx, acceptWithin)
		if err != nil || s.ID != r.id {
			if err == nil {
				r.eye.Hush()
				r.eye.Listen()
			}
			return silent
		}
		r.fleet.Emit(fleet.Event{At: time.Now(), Kind: fleet.Missed, Peer: r.number, Run: r.run, Count: 1})
	}
}

// look looks until nobody accepts a connection any more, or another answers, or the stream that is heard ends. It reports
// whether the peer is known to have gone.
func (r *run) look(ctx context.Context, heard <-chan struct{}) (gone bool) {
	tick := time.NewTicker(hook.LookEvery)
	defer tick.Stop()
	for {
		err := r.ask(ctx, heard)
		switch {
		case err == nil:
			r.fleet.setPaused(r, false)
		case errors.Is(err, hook.ErrAnother), errors.Is(err, errUnreached):
			return true
		case ctx.Err() != nil, isOver(heard):
			return false
		case !r.accepts(ctx):
			return true
		}
		select {
		case <-tick.C:
		case <-heard:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

var errUnreached = errors.New("nobody accepts a connection")

// ask looks once. A peer that accepts connections and does not answer is paused, until it answers.
func (r *run) ask(ctx context.Context, heard <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, pausedFor)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := r.eye.Look(ctx)
		answer <- err
	}()
	patience := time.NewTimer(answerWithin)
	defer patience.Stop()
	for {
		select {
		case err := <-answer:
			return err
		case <-patience.C:
			if r.accepts(ctx) {
				r.fleet.setPaused(r, true)
				continue
			}
			cancel()
			<-answer
			return errUnreached
		case <-heard:
			cancel()
			return <-answer
		}
	}
}

// accepts reports whether the peer's kernel, at least, opens a connection.
func (r *run) accepts(ctx context.Context) bool {
	c, err := (&net.Dialer{Timeout: acceptWithin}).DialContext(ctx, "tcp", r.at.String())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func isOver(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
