package docker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/peer/hook"
)

// New returns a fleet of containers of its own, in a network of its own, without peers yet. Close ends them all.
func New(ctx context.Context, cfg Config) (*Fleet, error) {
	if cfg.Image == "" {
		cfg.Image = DefaultImage
	}
	for name := range cfg.Flags {
		if slices.Contains(reserved, name) {
			return nil, fmt.Errorf("--%s of the peers is the lab's own to set", name)
		}
	}
	f, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err = f.makeNetwork(ctx); err == nil {
		err = f.startKeeper()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// reserved are flags by which a fleet holds its peers.
var reserved = []string{"name", "listen", "http", "lab"}

func (f *Fleet) makeNetwork(ctx context.Context) error {
	if _, err := f.docker.ImageInspect(ctx, f.cfg.Image); errdefs.IsNotFound(err) {
		return fleet.Cannot("there is no image %q: build it with `docker compose build`, or name another with --image", f.cfg.Image)
	} else if err != nil {
		return err
	}
	f.network = "hearsay-lab-" + f.labels[labelLab]
	_, err := f.docker.NetworkCreate(ctx, f.network, client.NetworkCreateOptions{Driver: "bridge", Labels: f.labels})
	if err != nil {
		return fmt.Errorf("make a network: %w", err)
	}
	return nil
}

// beginOwn starts a container at a place, and returns when its peer listens. Each run is a container of its own, which
// goes with it.
func (f *Fleet) beginOwn(ctx context.Context, p *place) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("it has not said hello within %v", startWithin))
	defer cancel()
	r := &run{fleet: f, place: p, number: p.Info.Run + 1, ended: make(chan struct{})}
	fail := func(err error) error { return fmt.Errorf("start %s: %w", p.Info.Name, err) }
	created, err := f.docker.ContainerCreate(ctx, f.ownOptions(p))
	if err != nil {
		return fail(err)
	}
	s, err := f.open(ctx, created.ID, r.told, r.log)
	if err != nil {
		f.remove(created.ID)
		return fail(err)
	}
	r.talk = s
	hello, err := s.hold.Hello(ctx)
	if err != nil {
		err = s.explain(err)
		r.release()
		return fail(err)
	}
	f.Mu.Lock()
	p.Key, p.Info.ID, p.Info.Addr = created.ID, hello.ID, hello.Addr
	f.Mu.Unlock()
	if err := r.locate(ctx); err != nil {
		r.release()
		return fail(err)
	}
	f.started(r, time.Now())
	go func() {
		<-s.hold.Done()
		r.over("crash")
	}()
	return nil
}

func (f *Fleet) ownOptions(p *place) client.ContainerCreateOptions {
	command := []string{"--lab", "--name=" + p.Info.Name}
	for name, value := range f.cfg.Flags {
		command = append(command, "--"+name+"="+value)
	}
	slices.Sort(command[1:])
	return client.ContainerCreateOptions{
		Name: f.network + "-" + p.Info.Name + "-" + strconv.Itoa(p.Info.Run+1),
		Config: &container.Config{
			Image: f.cfg.Image, Cmd: command, Env: f.cfg.Env, Labels: f.labels,
			OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(f.network), AutoRemove: true, ReadonlyRootfs: true,
			CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		},
		NetworkingConfig: &mobynet.NetworkingConfig{EndpointsConfig: map[string]*mobynet.EndpointSettings{
			f.network: {Aliases: []string{p.Info.Name, service}},
		}},
	}
}

// letGo lets a peer of our own begin. While the network is cut it hears and reaches nobody until its hand has been told
// from whom it is cut off.
func (f *Fleet) letGo(ctx context.Context, p *place) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	r := p.Run
	rules := f.ownRules(p.Info.Number)
	rules.CutAll = f.Cuts()
	if _, err := r.talk.hold.Do(ctx, hook.Request{Do: hook.DoGo, Rules: &rules, Siphoner: p.Siphoner}); err != nil {
		return fmt.Errorf("start %s: %w", p.Info.Name, r.talk.explain(err))
	}
	r.began = true
	return nil
}

// ownRules are what a peer of our own does itself: it is late, and loses.
func (f *Fleet) ownRules(number int) hook.Rules {
	delay, loss := f.Disturbed(number)
	return hook.Rules{Delay: delay.Mean, Jitter: delay.By, Loss: float64(loss)}
}

// clone makes another replica of a compose project: a container like one that is there, with the next number.
func (f *Fleet) clone(ctx context.Context, like *place, number int) (*place, error) {
	in, err := f.docker.ContainerInspect(ctx, like.Key, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	c := in.Container
	c.Config.Labels[labelNumber] = strconv.Itoa(number)
	c.Config.Hostname = ""
	endpoints := map[string]*mobynet.EndpointSettings{}
	name := fmt.Sprintf("%s-%s-%d", f.project, service, number)
	for network := range c.NetworkSettings.Networks {
		endpoints[network] = &mobynet.EndpointSettings{Aliases: []string{name, service}}
	}
	created, err := f.docker.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: name, Config: c.Config, HostConfig: c.HostConfig, NetworkingConfig: &mobynet.NetworkingConfig{EndpointsConfig: endpoints},
	})
	if err != nil {
		return nil, err
	}
	return &place{Key: created.ID, Info: fleet.Peer{Number: number, Name: fmt.Sprintf("%s-%d", service, number)}}, nil
}
