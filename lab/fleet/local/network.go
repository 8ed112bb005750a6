package local

import (
	"context"
	"errors"
	"fmt"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

var _ fleet.Fleet = (*Fleet)(nil)

// rules are those of one peer: from whom it is cut off, and who there is at all. The caller holds Doing.
func (f *Fleet) rules(number int) *hook.Rules {
	delay, loss := f.Disturbed(number)
	r := &hook.Rules{CutAll: f.Isolated(number), Delay: delay.Mean, Jitter: delay.By, Loss: float64(loss)}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		if !p.info.Alive || p.info.Addr == "" {
			continue
		}
		r.Only = append(r.Only, p.info.Addr)
		if f.Apart(number, p.info.Number) {
			r.Cut = append(r.Cut, p.info.Addr)
		}
	}
	return r
}

// present are the peers that live. The caller holds Doing.
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

// Members are those who can be asked.
func (f *Fleet) Members() (all []cable.Member, err error) {
	for _, r := range f.present() {
		if !f.isPaused(r) {
			all = append(all, cable.Member{Number: r.place.info.Number, Name: r.place.info.Name, Addr: r.place.info.Addr, Hold: r.hold})
		}
	}
	return all, nil
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

// Obey has all peers obey the rules that are in force. Those that are paused are told, and will obey when they go on.
func (f *Fleet) Obey(ctx context.Context) error {
	all := f.present()
	return cable.Each(all, len(all), func(r *run) error {
		if f.isPaused(r) {
			_, err := r.hold.Ask(ctx, hook.Request{Do: hook.DoRules, Rules: f.rules(r.place.info.Number)})
			return err
		}
		return f.obey(ctx, r)
	})
}

// obey has one peer obey, and waits until it does. One that has ended meanwhile has no need to.
func (f *Fleet) obey(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, cable.AnswerWithin)
	defer cancel()
	_, err := r.hold.Do(ctx, hook.Request{Do: hook.DoRules, Rules: f.rules(r.place.info.Number)})
	if err != nil && !errors.Is(err, hold.ErrGone) {
		return fmt.Errorf("%s does not obey: %w", r.place.info.Name, err)
	}
	return nil
}
