package places

import (
	"context"
	"fmt"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
)

// Pause freezes peers; their kernel goes on acknowledging what they are sent.
func (b *Base[R]) Pause(ctx context.Context, peers ...int) error {
	return b.change(ctx, "pause", peers, func(p *Place[R]) error {
		if err := p.Run.Freeze(ctx); err != nil {
			return err
		}
		b.SetPaused(p, true)
		return nil
	})
}

// Resume lets paused peers go on, under the rules that are in force by now.
func (b *Base[R]) Resume(ctx context.Context, peers ...int) error {
	return b.change(ctx, "resume", peers, func(p *Place[R]) error {
		if err := p.Run.Thaw(ctx); err != nil {
			return err
		}
		b.SetPaused(p, false)
		return p.Run.Obey(ctx)
	})
}

// change pauses or resumes peers, none of which may be so already.
func (b *Base[R]) change(ctx context.Context, what string, peers []int, do func(*Place[R]) error) error {
	b.Doing.Lock()
	defer b.Doing.Unlock()
	all, err := b.Living(peers)
	if err != nil {
		return err
	}
	for _, p := range all {
		switch paused := b.IsPaused(p); {
		case paused && what == "pause":
			return fmt.Errorf("%s is paused already", p.Info.Name)
		case !paused && what == "resume":
			return fmt.Errorf("%s is not paused", p.Info.Name)
		}
	}
	b.Tell(time.Now(), what+" "+cable.List(peers), peers)
	return cable.Each(all, len(all), do)
}

// Awake says which of these is paused, and so would not hear that it is to end.
func (b *Base[R]) Awake(all []*Place[R]) error {
	for _, p := range all {
		if b.IsPaused(p) {
			return fmt.Errorf("%s is paused and would not hear it: resume it first, or kill it", p.Info.Name)
		}
	}
	return nil
}

// IsPaused reports whether a peer is paused.
func (b *Base[R]) IsPaused(p *Place[R]) bool {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return p.Info.Paused
}

// SetPaused notes that a peer is paused or no longer is, and tells.
func (b *Base[R]) SetPaused(p *Place[R], paused bool) {
	b.Mu.Lock()
	p.Info.Paused = paused && p.Info.Alive
	e := fleet.Event{At: time.Now(), Kind: fleet.Resumed, Peer: p.Info.Number, Run: p.Info.Run}
	b.Mu.Unlock()
	if paused {
		e.Kind = fleet.Paused
	}
	b.Emit(e)
}
