package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/peer/hook"
)

// Add starts n more peers.
func (f *Fleet) Add(ctx context.Context, n int, o fleet.Options) ([]int, error) {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.Mu.Lock()
	before := len(f.List)
	if n < 1 || before+n > MaxPeers {
		f.Mu.Unlock()
		return nil, fmt.Errorf("%d more peers: one machine takes 1 to %d, and has %d", n, MaxPeers, before)
	}
	var added []*place
	var numbers []int
	for i := range n {
		number := before + i + 1
		p := &place{Info: fleet.Peer{Number: number, Name: "peer-" + strconv.Itoa(number)}, Siphoner: o.Siphoner}
		added = append(added, p)
		numbers = append(numbers, number)
	}
	f.List = append(f.List, added...)
	f.Mu.Unlock()
	if before > 0 {
		f.Tell(time.Now(), "scale "+strconv.Itoa(before+n), numbers)
	}
	if err := f.beginAll(ctx, added); err != nil {
		f.Mu.Lock()
		f.List = f.List[:before]
		f.Mu.Unlock()
		return nil, err
	}
	return numbers, nil
}

// Start starts peers again that have ended.
func (f *Fleet) Start(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	again, err := f.Dead(peers)
	if err != nil {
		return err
	}
	f.Tell(time.Now(), "start "+cable.List(peers), peers)
	return f.beginAll(ctx, again)
}

// beginAll starts processes, has all others know of them what a cut needs, and then lets them begin. If one cannot,
// none does.
func (f *Fleet) beginAll(ctx context.Context, all []*place) error {
	err := cable.Each(all, startsAtOnce, func(p *place) error { return f.begin(ctx, p) })
	if err == nil {
		f.Mu.Lock()
		var events []fleet.Event
		for _, p := range all {
			events = append(events, fleet.Event{At: p.Info.Started, Kind: fleet.Started, Peer: p.Info.Number, Run: p.Info.Run, Far: p.Info.ID})
		}
		f.Mu.Unlock()
		for _, e := range events {
			f.Emit(e)
		}
		err = f.Obey(ctx) // who there is, and from whom they are cut off
	}
	if err == nil {
		err = cable.Each(all, len(all), func(p *place) error { return f.letGo(ctx, p) })
	}
	if err != nil {
		for _, p := range all {
			if p.Run != nil {
				p.Run.kill()
			}
		}
	}
	return err
}

// letGo lets a peer begin that has said hello.
func (f *Fleet) letGo(ctx context.Context, p *place) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	_, err := p.Run.hold.Do(ctx, hook.Request{Do: hook.DoGo, Rules: f.rules(p.Info.Number), Siphoner: p.Siphoner})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not begun within %v", startWithin)
	}
	if err != nil {
		p.Run.kill()
		return fmt.Errorf("start %s: %w", p.Info.Name, p.Run.explain(err))
	}
	return nil
}

// Kill ends peers by SIGKILL.
func (f *Fleet) Kill(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	all, err := f.Living(peers)
	if err != nil {
		return err
	}
	f.Tell(time.Now(), "kill "+cable.List(peers), peers)
	for _, p := range all {
		p.Run.setEnding("kill")
		p.Run.cmd.Process.Kill()
	}
	for _, p := range all {
		<-p.Run.ended
	}
	return f.Obey(ctx)
}

// Stop ends peers by SIGTERM, and waits until they are gone. One that does not end is killed, which is an error.
func (f *Fleet) Stop(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	all, err := f.Living(peers)
	if err != nil {
		return err
	}
	if err := f.Awake(all); err != nil {
		return err
	}
	f.Tell(time.Now(), "stop "+cable.List(peers), peers)
	err = cable.Each(all, len(all), func(p *place) error {
		begun := time.Now()
		p.Run.setEnding("stop")
		p.Run.end(endWithin)
		if time.Since(begun) >= endWithin {
			return fmt.Errorf("%s did not end within %v, and was killed", p.Info.Name, endWithin)
		}
		return nil
	})
	return errors.Join(err, f.Obey(ctx))
}

// Pause stops processes.
func (f *Fleet) Pause(ctx context.Context, peers ...int) error {
	if err := canPause(); err != nil {
		return err
	}
	return f.Base.Pause(ctx, peers...)
}
