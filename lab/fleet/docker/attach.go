package docker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/peer/hook"
)

// Attach returns a fleet of the peers of a compose project that runs. Close leaves them as they are, but for cuts, which
// are mended.
func Attach(ctx context.Context, cfg Config) (*Fleet, error) {
	f, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := f.attach(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fleet) attach(ctx context.Context) error {
	running, err := f.projects(ctx)
	if err != nil {
		return err
	}
	const start = "start one with: docker compose up -d --build --scale peer=6 --wait"
	switch {
	case f.cfg.Project != "":
		f.project = f.cfg.Project
	case len(running) == 1:
		f.project = running[0]
	case len(running) == 0:
		return fmt.Errorf("no compose project with a service %q runs here; %s. Or have the lab start containers itself, with --own", service, start)
	default:
		return fmt.Errorf("several compose projects run here: name one with --project: %s", strings.Join(running, ", "))
	}
	found, err := f.replicas(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 && !f.cfg.later {
		return fmt.Errorf("the compose project %q has no container of a service %q; %s", f.project, service, start)
	}
	f.Doing.Lock()
	defer f.Doing.Unlock()
	if err := f.meet(ctx, found); err != nil {
		return err
	}
	ctx, f.stop = context.WithCancel(context.Background())
	f.follow.Go(func() { f.followEngine(ctx) })
	return nil
}

// replica is a container of compose's, as a list has it.
type replica struct {
	number    int
	container string
	state     container.ContainerState
	exit      string // Exited (137) 3 seconds ago
}

// replicas are the project's peers, those that have ended too.
func (f *Fleet) replicas(ctx context.Context) ([]replica, error) {
	list, err := f.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).
		Add("label", labelProject+"="+f.project, labelService+"="+service)})
	if err != nil {
		return nil, err
	}
	var found []replica
	for _, c := range list.Items {
		n, err := strconv.Atoi(c.Labels[labelNumber])
		if err == nil && n > 0 && c.Labels[labelOneOff] != "True" && len(found) < MaxPeers {
			found = append(found, replica{n, c.ID, c.State, c.Status})
		}
	}
	return found, nil
}

// meet makes places of containers that are new to us. The caller holds Doing.
func (f *Fleet) meet(ctx context.Context, found []replica) error {
	var added []*place
	for _, c := range found {
		added = append(added, &place{Key: c.container, Info: fleet.Peer{Number: c.number, Name: fmt.Sprintf("%s-%d", service, c.number)}})
	}
	f.Insert(added...)
	return cable.Each(added, startsAtOnce, func(p *place) error {
		for _, c := range found {
			if c.container == p.Key && (c.state == container.StateRunning || c.state == container.StatePaused) {
				return f.join(ctx, p, c.state == container.StatePaused)
			}
		}
		return nil
	})
}

// join begins a run of a container that runs. One that is paused cannot be asked anything.
func (f *Fleet) join(ctx context.Context, p *place, paused bool) error {
	if paused {
		return fmt.Errorf("%s is paused: let it go on first (docker compose unpause)", p.Info.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	r := &run{fleet: f, place: p, number: p.Info.Run + 1, ended: make(chan struct{})}
	if err := r.locate(ctx); err != nil {
		return fmt.Errorf("%s: %w", p.Info.Name, err)
	}
	hand, err := r.lendHand(ctx)
	if err != nil {
		return err
	}
	r.talk = hand
	f.started(r, time.Now())
	if f.Cuts() {
		if err := f.Obey(ctx); err != nil {
			return err
		}
	}
	_, err = hand.hold.Do(ctx, hook.Request{Do: hook.DoGo})
	return err
}

// started notes that a run has begun, and tells.
func (f *Fleet) started(r *run, at time.Time) {
	f.Mu.Lock()
	p := r.place
	p.Run = r
	p.Info.Run, p.Info.Alive, p.Info.Paused, p.Info.Started = r.number, true, false, at
	e := fleet.Event{At: at, Kind: fleet.Started, Peer: p.Info.Number, Run: r.number, Far: p.Info.ID}
	f.Mu.Unlock()
	f.Emit(e)
}

// followEvery is how often an engine is asked what others have done to the project.
const followEvery = time.Second

// followEngine notes what compose, or a person, does to the peers beside us.
func (f *Fleet) followEngine(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.Doing.Lock()
		if found, err := f.replicas(ctx); err == nil {
			f.compare(ctx, found)
		}
		f.Doing.Unlock()
	}
}

// compare has our places be as the engine says. The caller holds Doing, so nothing of it is our own doing.
func (f *Fleet) compare(ctx context.Context, found []replica) {
	now := map[int]replica{}
	var strangers []replica
	f.Mu.Lock()
	for _, c := range found {
		now[c.number] = c
		if _, err := f.Place(c.number); err != nil && c.state == container.StateRunning {
			strangers = append(strangers, c)
		}
	}
	all := append([]*place(nil), f.List...)
	f.Mu.Unlock()
	for _, p := range all {
		c, there := now[p.Info.Number]
		f.Mu.Lock()
		alive, paused, r := p.Info.Alive, p.Info.Paused, p.Run
		f.Mu.Unlock()
		switch {
		case alive && (!there || c.container != p.Key || c.state != container.StateRunning && c.state != container.StatePaused):
			r.over(howItEnded(c))
		case alive && paused != (c.state == container.StatePaused):
			f.SetPaused(p, !paused)
		case !alive && there && c.state == container.StateRunning:
			p.Key = c.container
			f.join(ctx, p, false)
		}
	}
	if len(strangers) > 0 {
		f.meet(ctx, strangers)
	}
}

// howItEnded tells by the exit code who ended a container that we did not.
func howItEnded(c replica) string {
	switch {
	case c.container == "", strings.HasPrefix(c.exit, "Exited (0)"):
		return "stop"
	case strings.HasPrefix(c.exit, "Exited (137)"):
		return "kill"
	}
	return "crash"
}
