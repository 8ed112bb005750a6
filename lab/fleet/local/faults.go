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
	f.mu.Lock()
	before := len(f.places)
	if n < 1 || before+n > MaxPeers {
		f.mu.Unlock()
		return nil, fmt.Errorf("%d more peers: one machine takes 1 to %d, and has %d", n, MaxPeers, before)
	}
	var added []*place
	var numbers []int
	for i := range n {
		number := before + i + 1
		p := &place{info: fleet.Peer{Number: number, Name: "peer-" + strconv.Itoa(number)}, siphoner: o.Siphoner}
		added = append(added, p)
		numbers = append(numbers, number)
	}
	f.places = append(f.places, added...)
	f.mu.Unlock()
	if before > 0 {
		f.Tell(time.Now(), "scale "+strconv.Itoa(before+n), numbers)
	}
	if err := f.beginAll(ctx, added); err != nil {
		f.mu.Lock()
		f.places = f.places[:before]
		f.mu.Unlock()
		return nil, err
	}
	return numbers, nil
}

// Start starts peers again that have ended.
func (f *Fleet) Start(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	var again []*place
	f.mu.Lock()
	for _, number := range peers {
		p, err := f.place(number)
		if err == nil && p.info.Alive {
			err = fmt.Errorf("%s runs already", p.info.Name)
		}
		if err != nil {
			f.mu.Unlock()
			return err
		}
		again = append(again, p)
	}
	f.mu.Unlock()
	f.Tell(time.Now(), "start "+cable.List(peers), peers)
	return f.beginAll(ctx, again)
}

// beginAll starts processes, has all others know of them what a cut needs, and then lets them begin. If one cannot,
// none does.
func (f *Fleet) beginAll(ctx context.Context, places []*place) error {
	err := cable.Each(places, startsAtOnce, func(p *place) error { return f.begin(ctx, p) })
	if err == nil {
		f.mu.Lock()
		var events []fleet.Event
		for _, p := range places {
			events = append(events, fleet.Event{At: p.info.Started, Kind: fleet.Started, Peer: p.info.Number, Run: p.info.Run, Far: p.info.ID})
		}
		f.mu.Unlock()
		for _, e := range events {
			f.Emit(e)
		}
		err = f.Obey(ctx) // who there is, and from whom they are cut off
	}
	if err == nil {
		err = cable.Each(places, len(places), func(p *place) error { return f.letGo(ctx, p) })
	}
	if err != nil {
		for _, p := range places {
			if p.run != nil {
				p.run.kill()
			}
		}
	}
	return err
}

// letGo lets a peer begin that has said hello.
func (f *Fleet) letGo(ctx context.Context, p *place) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	_, err := p.run.hold.Do(ctx, hook.Request{Do: hook.DoGo, Rules: f.rules(p.info.Number), Siphoner: p.siphoner})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not begun within %v", startWithin)
	}
	if err != nil {
		p.run.kill()
		return fmt.Errorf("start %s: %w", p.info.Name, p.run.explain(err))
	}
	return nil
}

// Kill ends peers by SIGKILL.
func (f *Fleet) Kill(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	all, err := f.living(peers)
	if err != nil {
		return err
	}
	f.Tell(time.Now(), "kill "+cable.List(peers), peers)
	for _, r := range all {
		r.setEnding("kill")
		r.cmd.Process.Kill()
	}
	for _, r := range all {
		<-r.ended
	}
	return f.Obey(ctx)
}

// Stop ends peers by SIGTERM, and waits until they are gone. One that does not end is killed, which is an error.
func (f *Fleet) Stop(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	all, err := f.living(peers)
	if err != nil {
		return err
	}
	for _, r := range all {
		if f.isPaused(r) {
			return fmt.Errorf("%s is paused and would not hear it: resume it first, or kill it", r.place.info.Name)
		}
	}
	f.Tell(time.Now(), "stop "+cable.List(peers), peers)
	err = cable.Each(all, len(all), func(r *run) error {
		begun := time.Now()
		r.setEnding("stop")
		r.end(endWithin)
		if time.Since(begun) >= endWithin {
			return fmt.Errorf("%s did not end within %v, and was killed", r.place.info.Name, endWithin)
		}
		return nil
	})
	return errors.Join(err, f.Obey(ctx))
}

// pauseWithin is how long a signal may take to stop a process. It takes microseconds.
const pauseWithin = 2 * time.Second

// Pause stops processes; their kernel goes on acknowledging what they are sent.
func (f *Fleet) Pause(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	if err := canPause(); err != nil {
		return err
	}
	all, err := f.living(peers)
	if err != nil {
		return err
	}
	for _, r := range all {
		if f.isPaused(r) {
			return fmt.Errorf("%s is paused already", r.place.info.Name)
		}
	}
	f.Tell(time.Now(), "pause "+cable.List(peers), peers)
	return cable.Each(all, len(all), func(r *run) error {
		if err := freeze(r.cmd.Process); err != nil {
			return err
		}
		for begun := time.Now(); ; time.Sleep(time.Millisecond) {
			is, err := stopped(r.cmd.Process)
			if is {
				break
			}
			if err != nil || time.Since(begun) > pauseWithin || ctx.Err() != nil {
				thaw(r.cmd.Process)
				return fmt.Errorf("%s was sent SIGSTOP and does not stop: %w", r.place.info.Name, errors.Join(err, ctx.Err()))
			}
		}
		f.setPaused(r, true)
		return nil
	})
}

// Resume lets paused peers go on, under the rules that are in force by now.
func (f *Fleet) Resume(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	all, err := f.living(peers)
	if err != nil {
		return err
	}
	for _, r := range all {
		if !f.isPaused(r) {
			return fmt.Errorf("%s is not paused", r.place.info.Name)
		}
	}
	f.Tell(time.Now(), "resume "+cable.List(peers), peers)
	return cable.Each(all, len(all), func(r *run) error {
		if err := thaw(r.cmd.Process); err != nil {
			return err
		}
		f.setPaused(r, false)
		return f.obey(ctx, r)
	})
}

// living returns the runs of peers, all of which must live.
func (f *Fleet) living(peers []int) ([]*run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	var all []*run
	for _, number := range peers {
		p, err := f.place(number)
		if err == nil && !p.info.Alive {
			err = fmt.Errorf("%s has ended", p.info.Name)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p.run)
	}
	return all, nil
}

func (f *Fleet) isPaused(r *run) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return r.place.info.Paused
}

// setPaused notes that a peer is paused or no longer is, and tells.
func (f *Fleet) setPaused(r *run, paused bool) {
	f.mu.Lock()
	r.place.info.Paused = paused && r.place.info.Alive
	f.mu.Unlock()
	kind := fleet.Resumed
	if paused {
		kind = fleet.Paused
	}
	f.Emit(fleet.Event{At: time.Now(), Kind: kind, Peer: r.place.info.Number, Run: r.number})
}
