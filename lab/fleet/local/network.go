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
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, p := range f.List {
		if !p.Info.Alive || p.Info.Addr == "" {
			continue
		}
		r.Only = append(r.Only, p.Info.Addr)
		if f.Apart(number, p.Info.Number) {
			r.Cut = append(r.Cut, p.Info.Addr)
		}
	}
	return r
}

// Members are those who can be asked.
func (f *Fleet) Members() (all []cable.Member, err error) {
	for _, p := range f.Present() {
		if !f.IsPaused(p) {
			all = append(all, cable.Member{Number: p.Info.Number, Name: p.Info.Name, Addr: p.Info.Addr, Hold: p.Run.hold})
		}
	}
	return all, nil
}

// Obey has all peers obey the rules that are in force. Those that are paused will when they go on.
func (f *Fleet) Obey(ctx context.Context) error {
	all := f.Present()
	return cable.Each(all, len(all), func(p *place) error {
		if f.IsPaused(p) {
			return nil
		}
		return p.Run.Obey(ctx)
	})
}

// Obey has the peer obey, and waits until it does. One that has ended meanwhile has no need to.
func (r *run) Obey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cable.AnswerWithin)
	defer cancel()
	_, err := r.hold.Do(ctx, hook.Request{Do: hook.DoRules, Rules: r.fleet.rules(r.place.Info.Number)})
	if err != nil && !errors.Is(err, hold.ErrGone) {
		return fmt.Errorf("%s does not obey: %w", r.place.Info.Name, err)
	}
	return nil
}
