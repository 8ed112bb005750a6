package docker

import (
	"context"
	"errors"
	"fmt"

	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

// present are the runs of peers that live. The caller holds Doing.
func (f *Fleet) present() (all []*run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		if p.info.Alive {
			all = append(all, p.run)
		}
	}
	return all
}

// Members are those who can be asked, each of whom has a hand.
func (f *Fleet) Members() ([]cable.Member, error) {
	var able []*run
	for _, r := range f.present() {
		if !f.isPaused(r) {
			able = append(able, r)
		}
	}
	all := make([]cable.Member, len(able))
	err := cable.Each(able, startsAtOnce, func(r *run) error {
		ctx, cancel := context.WithTimeout(context.Background(), startWithin)
		defer cancel()
		hand, err := r.lendHand(ctx)
		if err != nil {
			return err
		}
		for i := range able {
			if able[i] == r {
				all[i] = cable.Member{Number: r.place.info.Number, Name: r.place.info.Name, Addr: f.addrOf(r), Hold: hand.hold}
			}
		}
		return nil
	})
	return all, err
}

func (f *Fleet) addrOf(r *run) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return r.place.info.Addr
}

// Exist says which of these is no peer.
func (f *Fleet) Exist(peers []int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range peers {
		if _, err := f.place(n); err != nil {
			return err
		}
	}
	return nil
}

// Live says which of these does not live.
func (f *Fleet) Live(peers []int) error {
	_, err := f.living(peers)
	return err
}

// Obey has all peers, and their hands, obey what the network says. A hand lives beside a peer that is paused, so it
// obeys at once; only what a peer does itself waits until it goes on.
func (f *Fleet) Obey(ctx context.Context) error {
	return cable.Each(f.present(), startsAtOnce, func(r *run) error { return f.obey(ctx, r) })
}

func (f *Fleet) obey(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	err := f.obeyHand(ctx, r)
	if err == nil && f.project == "" && r.began {
		rules := f.ownRules(r.place.info.Number)
		request := hook.Request{Do: hook.DoRules, Rules: &rules}
		if f.isPaused(r) {
			_, err = r.talk.hold.Ask(ctx, request)
		} else {
			_, err = r.talk.hold.Do(ctx, request)
		}
	}
	if err != nil && !errors.Is(err, hold.ErrGone) {
		return fmt.Errorf("%s does not obey: %w", r.place.info.Name, err)
	}
	return nil
}

// obeyHand has a peer's hand filter what others send it. One that was never needed is not needed for nothing.
func (f *Fleet) obeyHand(ctx context.Context, r *run) error {
	rules := f.handRules(r)
	r.mu.Lock()
	had := r.hand != nil
	r.mu.Unlock()
	if !had && len(rules.Cut) == 0 && f.project == "" {
		return nil
	}
	if !had && f.isPaused(r) {
		return errors.New("it is paused, and a hand beside it would find nobody: resume it first")
	}
	hand, err := r.lendHand(ctx)
	if err != nil {
		return err
	}
	_, err = hand.hold.Do(ctx, hook.Request{Do: hook.DoRules, Rules: rules})
	return err
}

// handRules are those of a peer's hand. Compose's peers lose and are late by their hands too: loss is where the others
// hear them, delay where they speak.
func (f *Fleet) handRules(r *run) *hook.Rules {
	rules := &hook.Rules{Lossy: map[string]float64{}}
	number := r.place.info.Number
	if f.project != "" {
		delay, _ := f.Disturbed(number)
		rules.Delay, rules.Jitter = delay.Mean, delay.By
	}
	for _, other := range f.present() {
		n := other.place.info.Number
		_, loss := f.Disturbed(n)
		switch {
		case n == number:
		case f.Apart(number, n):
			rules.Cut = append(rules.Cut, other.mac)
		case loss > 0 && f.project != "":
			rules.Lossy[other.mac] = float64(loss)
		}
	}
	return rules
}
