package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

const (
	// hearWithin is how long a probe may take on a loopback whose cores are busy. It takes a millisecond.
	hearWithin = 2 * time.Second
	// dialWithin is how long a dial into a cut is tried. One that is not cut takes a fraction of a millisecond.
	dialWithin = 50 * time.Millisecond
	// maxProvers is how many peers send probes; with more, some of each group do. All listen.
	maxProvers = 64
)

func isGone(err error) bool { return errors.Is(err, hold.ErrGone) }

// prove shows that what should pass does, and what should not does not: each of the provers sends one datagram to the
// group, and everybody says whom he heard; and each tries to dial one from whom he is cut off. The caller holds
// doing.
func (f *Fleet) prove(ctx context.Context) error {
	var all []*run
	for _, r := range f.present() {
		if !f.isPaused(r) {
			all = append(all, r)
		}
	}
	var errs []error
	if !f.deaf {
		errs = append(errs, f.proveGroup(ctx, all))
	}
	errs = append(errs, each(all, len(all), func(r *run) error { return f.proveDial(ctx, r, all) }))
	return errors.Join(errs...)
}

func (f *Fleet) proveGroup(ctx context.Context, all []*run) error {
	provers := f.provers(all)
	f.probes++
	token := "probe-" + strconv.Itoa(f.probes)
	if err := each(provers, len(provers), func(r *run) error { return r.probe(ctx, token) }); err != nil {
		return err
	}
	// All are sent by now, so they stand in every socket before what is sent next: who has heard his own second
	// word has heard all he will.
	return each(all, len(all), func(r *run) error {
		var should []string
		for _, other := range provers {
			if other != r && !f.apart(r.place.info.Number, other.place.info.Number) {
				should = append(should, other.place.info.Addr)
			}
		}
		fence := "fence-" + strconv.Itoa(f.probes)
		if !f.isolated[r.place.info.Number] {
			if err := r.probe(ctx, fence); err != nil {
				return err
			}
			if _, err := r.hears(ctx, fence, []string{r.place.info.Addr}); err != nil {
				return err
			}
		}
		heard, err := r.hears(ctx, token, should)
		if err != nil {
			return err
		}
		for _, other := range all {
			if f.apart(r.place.info.Number, other.place.info.Number) && slices.Contains(heard, other.place.info.Addr) {
				return fmt.Errorf("%s still hears %s by multicast", r.place.info.Name, other.place.info.Name)
			}
		}
		return nil
	})
}

// provers are all, or if they are many, as many of each group as there is room for.
func (f *Fleet) provers(all []*run) (some []*run) {
	share := max(1, maxProvers/max(1, len(f.groups)))
	count := map[int]int{}
	for _, r := range all {
		g := f.group(r.place.info.Number)
		if count[g]++; len(all) <= maxProvers || count[g] <= share {
			some = append(some, r)
		}
	}
	return some
}

// probe sends one datagram to the group.
func (r *run) probe(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if _, err := r.hold.Do(ctx, hook.Request{Do: hook.DoProbe, Token: token}); err != nil && !isGone(err) {
		return fmt.Errorf("%s cannot send a probe: %w", r.place.info.Name, err)
	}
	return nil
}

// hears returns who was heard with a token, and an error if somebody was not who should have been and lives.
func (r *run) hears(ctx context.Context, token string, should []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	reply, err := r.hold.Do(ctx, hook.Request{Do: hook.DoHeard, Token: token, From: should, Patience: hearWithin})
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not say whom it hears: %w", r.place.info.Name, err)
	}
	for _, addr := range should {
		if !slices.Contains(reply.Heard, addr) && r.fleet.lives(addr) {
			return nil, fmt.Errorf("%s does not hear %s by multicast, though nothing cuts them apart", r.place.info.Name, r.fleet.nameOf(addr))
		}
	}
	return reply.Heard, nil
}

// proveDial has a peer dial one from whom it is cut off: if that succeeds, TCP passes.
func (f *Fleet) proveDial(ctx context.Context, r *run, all []*run) error {
	var apart []*run
	for _, other := range all {
		if f.apart(r.place.info.Number, other.place.info.Number) {
			apart = append(apart, other)
		}
	}
	if len(apart) == 0 {
		return nil
	}
	other := apart[f.rng(len(apart))]
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := r.hold.Do(ctx, hook.Request{Do: hook.DoDial, Addr: other.place.info.Addr, Patience: dialWithin})
	if err == nil {
		return fmt.Errorf("%s still reaches %s by TCP", r.place.info.Name, other.place.info.Name)
	}
	return nil
}

// lives reports whether a peer that listens at addr lives.
func (f *Fleet) lives(addr string) bool { return f.nameOf(addr) != "" }

func (f *Fleet) nameOf(addr string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		if p.info.Alive && p.info.Addr == addr {
			return p.info.Name
		}
	}
	return ""
}
