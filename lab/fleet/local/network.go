package local

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/peer/hook"
)

// Partition cuts between groups, and proves it.
func (f *Fleet) Partition(ctx context.Context, groups ...[]int) error {
	if err := f.checkGroups(groups); err != nil {
		return err
	}
	var words []string
	for _, g := range groups {
		words = append(words, list(g))
	}
	var apart []int
	for _, g := range groups[1:] {
		apart = append(apart, g...)
	}
	return f.cut(ctx, "partition "+strings.Join(words, "/"), apart, func() { f.groups = groups })
}

// checkGroups refuses groups that are none: fewer than two, or a peer that is not there, or there twice.
func (f *Fleet) checkGroups(groups [][]int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(groups) < 2 {
		return fmt.Errorf("a partition has two groups or more: 1,2,3/4,5,6")
	}
	seen := map[int]bool{}
	for _, g := range groups {
		if len(g) == 0 {
			return fmt.Errorf("a group of a partition is empty")
		}
		for _, n := range g {
			if _, err := f.place(n); err != nil {
				return err
			}
			if seen[n] {
				return fmt.Errorf("peer %d is in the partition twice", n)
			}
			seen[n] = true
		}
	}
	return nil
}

// Isolate cuts peers off from everybody, those isolated before too.
func (f *Fleet) Isolate(ctx context.Context, peers ...int) error {
	if _, err := f.living(peers); err != nil {
		return err
	}
	return f.cut(ctx, "isolate "+list(peers), peers, func() {
		for _, n := range peers {
			f.isolated[n] = true
		}
	})
}

// Delay makes late what peers send.
func (f *Fleet) Delay(ctx context.Context, by quantity.Spread, peers ...int) error {
	if _, err := f.living(peers); err != nil {
		return err
	}
	return f.disturb(ctx, fmt.Sprintf("delay %v %s", by, list(peers)), peers, func() {
		for _, n := range peers {
			f.delay[n] = by
		}
	})
}

// Loss drops a share of what peers send.
func (f *Fleet) Loss(ctx context.Context, share quantity.Share, peers ...int) error {
	if _, err := f.living(peers); err != nil {
		return err
	}
	return f.disturb(ctx, fmt.Sprintf("loss %v %s", share, list(peers)), peers, func() {
		for _, n := range peers {
			f.loss[n] = share
		}
	})
}

// Heal undoes all of these, and proves it.
func (f *Fleet) Heal(ctx context.Context) error {
	return f.cut(ctx, "heal", nil, func() {
		f.groups = nil
		clear(f.isolated)
		clear(f.delay)
		clear(f.loss)
	})
}

// cut changes who is cut off from whom, and proves it. If the proof fails, all is as it was before.
func (f *Fleet) cut(ctx context.Context, what string, peers []int, change func()) error {
	f.doing.Lock()
	defer f.doing.Unlock()
	groups, isolated := f.groups, maps.Clone(f.isolated)
	change()
	_, err := f.apply(ctx)
	at := time.Now()
	if err == nil {
		err = f.prove(ctx)
	}
	if err != nil {
		f.groups, f.isolated = groups, isolated
		f.apply(ctx)
		return fmt.Errorf("%s: %w", what, err)
	}
	f.fault(at, what, peers)
	return nil
}

// disturb changes what is late or lost. That the peers have the rules is all the proof there is of a lottery.
func (f *Fleet) disturb(ctx context.Context, what string, peers []int, change func()) error {
	f.doing.Lock()
	defer f.doing.Unlock()
	change()
	if _, err := f.apply(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	f.fault(time.Now(), what, peers)
	return nil
}

// apart reports whether nothing is to pass between two peers. The caller holds doing.
func (f *Fleet) apart(a, b int) bool {
	return a != b && (f.isolated[a] || f.isolated[b] || f.group(a) != f.group(b))
}

func (f *Fleet) group(n int) int {
	return max(0, slices.IndexFunc(f.groups, func(g []int) bool { return slices.Contains(g, n) }))
}

// rules are those of one peer. The caller holds doing.
func (f *Fleet) rules(number int) hook.Rules {
	r := hook.Rules{
		CutAll: f.isolated[number],
		Delay:  f.delay[number].Mean, Jitter: f.delay[number].By, Loss: float64(f.loss[number]),
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		if p.info.Alive && p.info.Addr != "" && f.apart(number, p.info.Number) {
			r.Cut = append(r.Cut, p.info.Addr)
		}
	}
	return r
}

// present are the peers that live, and whether they are paused. The caller holds doing.
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

// apply has all peers obey the rules that are in force, and returns how many connections are held now. Those that
// are paused are told, and will obey when they go on.
func (f *Fleet) apply(ctx context.Context) (held int, err error) {
	all := f.present()
	var mu sync.Mutex
	err = each(all, len(all), func(r *run) error {
		if f.isPaused(r) {
			rules := f.rules(r.place.info.Number)
			_, err := r.hold.Ask(ctx, hook.Request{Do: hook.DoRules, Rules: &rules})
			return err
		}
		stopped, err := f.obey(ctx, r)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		held += stopped.Held
		return nil
	})
	return held, err
}

// obey has one peer obey the rules that are in force, and waits until it does. One that has ended meanwhile has no
// need to.
func (f *Fleet) obey(ctx context.Context, r *run) (*hook.Stopped, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	rules := f.rules(r.place.info.Number)
	reply, err := r.hold.Do(ctx, hook.Request{Do: hook.DoRules, Rules: &rules})
	switch {
	case isGone(err):
		return &hook.Stopped{}, nil
	case err != nil:
		return nil, fmt.Errorf("%s does not obey: %w", r.place.info.Name, err)
	case reply.Stopped == nil:
		return nil, fmt.Errorf("%s does not say what it stopped", r.place.info.Name)
	}
	return reply.Stopped, nil
}

var _ fleet.Fleet = (*Fleet)(nil)
