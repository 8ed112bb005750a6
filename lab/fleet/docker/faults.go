package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
)

var _ fleet.Fleet = (*Fleet)(nil)

// Add starts n more peers. In a compose project they are replicas like the others, and stay with it.
func (f *Fleet) Add(ctx context.Context, n int, o fleet.Options) ([]int, error) {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.mu.Lock()
	before, last := len(f.places), 0
	var like *place
	if before > 0 {
		like = f.places[before-1]
		last = like.info.Number
	}
	closed := f.closed
	f.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case n < 1 || before+n > MaxPeers:
		return nil, fmt.Errorf("%d more peers: a fleet of containers has 1 to %d, and this one has %d", n, MaxPeers, before)
	case o.Siphoner && f.project != "":
		return nil, fleet.Cannot("a container of compose's cannot be made a siphoner; one that the lab starts can")
	}
	var added []*place
	var numbers []int
	for i := range n {
		number := last + i + 1
		p := &place{info: fleet.Peer{Number: number, Name: service + "-" + strconv.Itoa(number)}, siphoner: o.Siphoner}
		if f.project != "" {
			var err error
			if p, err = f.clone(ctx, like, number); err != nil {
				for _, p := range added {
					f.remove(p.container)
				}
				return nil, fmt.Errorf("make %s-%d: %w", service, number, err)
			}
		}
		added = append(added, p)
		numbers = append(numbers, number)
	}
	if before > 0 {
		f.Tell(time.Now(), "scale "+strconv.Itoa(before+n), numbers)
	}
	f.addPlaces(added...)
	if err := f.begin(ctx, added); err != nil {
		f.forget(added)
		return nil, err
	}
	return numbers, nil
}

// forget takes back places whose peers never began.
func (f *Fleet) forget(added []*place) {
	f.mu.Lock()
	f.places = f.places[:len(f.places)-len(added)]
	f.mu.Unlock()
	for _, p := range added {
		if p.container != "" {
			f.remove(p.container)
		}
	}
}

// begin starts peers, and has all others know of them what a cut needs. The caller holds Doing.
func (f *Fleet) begin(ctx context.Context, places []*place) error {
	if f.project != "" {
		return cable.Each(places, startsAtOnce, func(p *place) error {
			if _, err := f.docker.ContainerStart(ctx, p.container, client.ContainerStartOptions{}); err != nil {
				return fmt.Errorf("start %s: %w", p.info.Name, err)
			}
			return f.join(ctx, p, false)
		})
	}
	err := cable.Each(places, startsAtOnce, func(p *place) error { return f.beginOwn(ctx, p) })
	if err == nil {
		err = cable.Each(places, len(places), func(p *place) error { return f.letGo(ctx, p) })
	}
	if err == nil && f.Cuts() {
		err = f.Obey(ctx)
	}
	if err != nil {
		for _, p := range places {
			if p.run != nil {
				p.run.setEnding("kill")
				p.run.release()
			}
		}
	}
	return err
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
	return f.begin(ctx, again)
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
	return cable.Each(all, len(all), func(r *run) error {
		r.setEnding("kill")
		_, err := f.docker.ContainerKill(ctx, r.place.container, client.ContainerKillOptions{Signal: "SIGKILL"})
		return f.gone(ctx, r, "kill", err)
	})
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
	return cable.Each(all, len(all), func(r *run) error {
		r.setEnding("stop")
		begun, patience := time.Now(), int(stopWithin.Seconds())
		_, err := f.docker.ContainerStop(ctx, r.place.container, client.ContainerStopOptions{Signal: "SIGTERM", Timeout: &patience})
		if err == nil && time.Since(begun) >= stopWithin {
			err = fmt.Errorf("%s did not end within %v, and was killed", r.place.info.Name, stopWithin)
		}
		return f.gone(ctx, r, "stop", err)
	})
}

// gone waits until the engine says that a container has ended.
func (f *Fleet) gone(ctx context.Context, r *run, how string, err error) error {
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	for {
		in, err := f.docker.ContainerInspect(ctx, r.place.container, client.ContainerInspectOptions{})
		if errdefs.IsNotFound(err) || err == nil && !in.Container.State.Running {
			r.over(how)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not end: %w", r.place.info.Name, errors.Join(err, ctx.Err()))
		}
		time.Sleep(pollEvery)
	}
}

// Pause freezes containers; their kernel goes on acknowledging what they are sent.
func (f *Fleet) Pause(ctx context.Context, peers ...int) error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
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
		if _, err := f.docker.ContainerPause(ctx, r.place.container, client.ContainerPauseOptions{}); err != nil {
			return err
		}
		in, err := f.docker.ContainerInspect(ctx, r.place.container, client.ContainerInspectOptions{})
		if err != nil || !in.Container.State.Paused {
			return fmt.Errorf("%s was paused, and the engine does not say that it is: %w", r.place.info.Name, err)
		}
		f.setPaused(r, true)
		return nil
	})
}

// Resume lets paused containers go on.
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
		if _, err := f.docker.ContainerUnpause(ctx, r.place.container, client.ContainerUnpauseOptions{}); err != nil {
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
