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
	"hearsay/lab/fleet/places"
)

var _ fleet.Fleet = (*Fleet)(nil)

// Add starts n more peers. In a compose project they are replicas like the others, and stay with it.
func (f *Fleet) Add(ctx context.Context, n int, o fleet.Options) ([]int, error) {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.Mu.Lock()
	before, last := len(f.List), 0
	var like *place
	if before > 0 {
		like = f.List[before-1]
		last = like.Info.Number
	}
	closed := f.Closed
	f.Mu.Unlock()
	switch {
	case closed:
		return nil, places.ErrClosed
	case n < 1 || before+n > MaxPeers:
		return nil, fmt.Errorf("%d more peers: a fleet of containers has 1 to %d, and this one has %d", n, MaxPeers, before)
	case o.Siphoner && f.project != "":
		return nil, fleet.Cannot("a container of compose's cannot be made a siphoner; one that the lab starts can")
	}
	var added []*place
	var numbers []int
	for i := range n {
		number := last + i + 1
		p := &place{Info: fleet.Peer{Number: number, Name: service + "-" + strconv.Itoa(number)}, Siphoner: o.Siphoner}
		if f.project != "" {
			var err error
			if p, err = f.clone(ctx, like, number); err != nil {
				for _, p := range added {
					f.remove(p.Key)
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
	f.Insert(added...)
	if err := f.begin(ctx, added); err != nil {
		f.forget(added)
		return nil, err
	}
	return numbers, nil
}

// forget takes back places whose peers never began.
func (f *Fleet) forget(added []*place) {
	f.Mu.Lock()
	f.List = f.List[:len(f.List)-len(added)]
	f.Mu.Unlock()
	for _, p := range added {
		if p.Key != "" {
			f.remove(p.Key)
		}
	}
}

// begin starts peers, and has all others know of them what a cut needs. The caller holds Doing.
func (f *Fleet) begin(ctx context.Context, all []*place) error {
	if f.project != "" {
		return cable.Each(all, startsAtOnce, func(p *place) error {
			if _, err := f.docker.ContainerStart(ctx, p.Key, client.ContainerStartOptions{}); err != nil {
				return fmt.Errorf("start %s: %w", p.Info.Name, err)
			}
			return f.join(ctx, p, false)
		})
	}
	err := cable.Each(all, startsAtOnce, func(p *place) error { return f.beginOwn(ctx, p) })
	if err == nil {
		err = cable.Each(all, len(all), func(p *place) error { return f.letGo(ctx, p) })
	}
	if err == nil && f.Cuts() {
		err = f.Obey(ctx)
	}
	if err != nil {
		for _, p := range all {
			if p.Run != nil {
				p.Run.setEnding("kill")
				p.Run.release()
			}
		}
	}
	return err
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
	return f.begin(ctx, again)
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
	return cable.Each(all, len(all), func(p *place) error {
		r := p.Run
		r.setEnding("kill")
		_, err := f.docker.ContainerKill(ctx, r.place.Key, client.ContainerKillOptions{Signal: "SIGKILL"})
		return f.gone(ctx, r, "kill", err)
	})
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
	return cable.Each(all, len(all), func(p *place) error {
		r := p.Run
		r.setEnding("stop")
		begun, patience := time.Now(), int(stopWithin.Seconds())
		_, err := f.docker.ContainerStop(ctx, r.place.Key, client.ContainerStopOptions{Signal: "SIGTERM", Timeout: &patience})
		if err == nil && time.Since(begun) >= stopWithin {
			err = fmt.Errorf("%s did not end within %v, and was killed", r.place.Info.Name, stopWithin)
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
		in, err := f.docker.ContainerInspect(ctx, r.place.Key, client.ContainerInspectOptions{})
		if errdefs.IsNotFound(err) || err == nil && !in.Container.State.Running {
			r.over(how)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not end: %w", r.place.Info.Name, errors.Join(err, ctx.Err()))
		}
		time.Sleep(pollEvery)
	}
}
