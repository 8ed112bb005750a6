package docker

import (
	"context"
	"errors"
	"fmt"

	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

// Members are those who can be asked, each of whom has a hand.
func (f *Fleet) Members() ([]cable.Member, error) {
	var able []*place
	for _, p := range f.Present() {
		if !f.IsPaused(p) {
			able = append(able, p)
		}
	}
	all := make([]cable.Member, len(able))
	err := cable.Each(able, startsAtOnce, func(p *place) error {
		ctx, cancel := context.WithTimeout(context.Background(), startWithin)
		defer cancel()
		hand, err := p.Run.lendHand(ctx)
		if err != nil {
			return err
		}
		for i := range able {
			if able[i] == p {
				all[i] = cable.Member{Number: p.Info.Number, Name: p.Info.Name, Addr: f.addrOf(p), Hold: hand.hold}
			}
		}
		return nil
	})
	return all, err
}

func (f *Fleet) addrOf(p *place) string {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return p.Info.Addr
}

// Obey has all peers, and their hands, obey what the network says. A hand lives beside a peer that is paused, so it
// obeys at once; only what a peer does itself waits until it goes on.
func (f *Fleet) Obey(ctx context.Context) error {
	return cable.Each(f.Present(), startsAtOnce, func(p *place) error { return p.Run.Obey(ctx) })
}

// Obey has the peer and its hand obey.
func (r *run) Obey(ctx context.Context) error {
	f := r.fleet
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	err := f.obeyHand(ctx, r)
	if err == nil && r.began && !f.IsPaused(r.place) {
		err = r.askItself(ctx)
	}
	if err != nil && !errors.Is(err, hold.ErrGone) {
		return fmt.Errorf("%s does not obey: %w", r.place.Info.Name, err)
	}
	return nil
}

// askItself has a peer of our own be late and lose, and waits until it does.
func (r *run) askItself(ctx context.Context) error {
	wait, err := r.tellItself(ctx)
	if err == nil {
		_, err = wait(ctx)
	}
	return err
}

// tellItself does not wait.
func (r *run) tellItself(ctx context.Context) (wait func(context.Context) (*hook.Reply, error), err error) {
	rules := r.fleet.ownRules(r.place.Info.Number)
	return r.talk.hold.Ask(ctx, hook.Request{Do: hook.DoRules, Rules: &rules})
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
	if !had && f.IsPaused(r.place) {
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
	number := r.place.Info.Number
	if f.project != "" {
		delay, _ := f.Disturbed(number)
		rules.Delay, rules.Jitter = delay.Mean, delay.By
	}
	for _, other := range f.Present() {
		n := other.Info.Number
		_, loss := f.Disturbed(n)
		switch {
		case n == number:
		case f.Apart(number, n):
			rules.Cut = append(rules.Cut, other.Run.mac)
		case loss > 0 && f.project != "":
			rules.Lossy[other.Run.mac] = float64(loss)
		}
	}
	return rules
}
