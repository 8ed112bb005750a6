package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/hold"
	"hearsay/lab/fleet/places"
	"hearsay/peer/hook"
)

type place = places.Place[*run]

// run is one life of a container.
type run struct {
	fleet    *Fleet
	place    *place
	number   int
	image    string
	api      string // where the peer serves HTTP, in its own namespace
	mac      string
	talk     *session // with the peer, or with a hand that speaks for it
	began    bool     // it is ours, and was let begin
	mu       sync.Mutex
	hand     *session // if there is one
	ending   string
	released sync.Once
	ended    chan struct{} // closed when it is over, and everybody was told
}

// Speaker is who answers for the peer: itself, or its hand.
func (r *run) Speaker() *hold.Peer { return r.talk.hold }

// Freeze has the engine pause the container, and hears it say so.
func (r *run) Freeze(ctx context.Context) error {
	docker := r.fleet.docker
	if _, err := docker.ContainerPause(ctx, r.place.Key, client.ContainerPauseOptions{}); err != nil {
		return err
	}
	in, err := docker.ContainerInspect(ctx, r.place.Key, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if !in.Container.State.Paused {
		return fmt.Errorf("%s was paused, and the engine does not say that it is", r.place.Info.Name)
	}
	return nil
}

// Thaw has it go on. The rules of now await it.
func (r *run) Thaw(ctx context.Context) error {
	if r.began {
		if _, err := r.tellItself(ctx); err != nil {
			return err
		}
	}
	_, err := r.fleet.docker.ContainerUnpause(ctx, r.place.Key, client.ContainerUnpauseOptions{})
	return err
}

// locate learns the addresses of a container that runs.
func (r *run) locate(ctx context.Context) error {
	in, err := r.fleet.docker.ContainerInspect(ctx, r.place.Key, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	c := in.Container
	if !c.State.Running {
		return fmt.Errorf("it has ended with exit code %d", c.State.ExitCode)
	}
	r.image, r.api = c.Image, "127.0.0.1:7070"
	for _, e := range c.Config.Env {
		if at, ok := strings.CutPrefix(e, "PEER_HTTP="); ok && at != "" {
			r.api = at
		}
	}
	endpoint := r.endpoint(c.NetworkSettings.Networks)
	if endpoint == nil {
		return errors.New("it is in no network")
	}
	r.mac = endpoint.MacAddress.String()
	if !endpoint.IPAddress.IsValid() {
		return errors.New("it has no address")
	}
	r.fleet.Mu.Lock()
	defer r.fleet.Mu.Unlock()
	if _, port, ok := strings.Cut(r.place.Info.Addr, "]:"); ok {
		r.place.Info.Addr = endpoint.IPAddress.String() + ":" + port
	} else if a, err := netip.ParseAddrPort(r.place.Info.Addr); err == nil && a.Addr().IsUnspecified() {
		r.place.Info.Addr = netip.AddrPortFrom(endpoint.IPAddress, a.Port()).String()
	}
	return nil
}

// endpoint is the container's place in the peers' network.
func (r *run) endpoint(all map[string]*mobynet.EndpointSettings) *mobynet.EndpointSettings {
	if e := all[r.fleet.network]; e != nil {
		return e
	}
	var first *mobynet.EndpointSettings
	name := ""
	for n, e := range all {
		if first == nil || n < name {
			first, name = e, n
		}
	}
	return first
}

// lendHand gives a run a hand, if it has none.
func (r *run) lendHand(ctx context.Context) (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hand != nil {
		return r.hand, nil
	}
	f := r.fleet
	created, err := f.docker.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image: r.image, Entrypoint: []string{"/peer", "hand"}, Env: []string{"PEER_HTTP=" + r.api},
			User: "0", OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
			Labels: f.labels, Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode("container:" + r.place.Key), AutoRemove: true, ReadonlyRootfs: true,
			CapDrop: []string{"ALL"}, CapAdd: []string{"NET_ADMIN"}, SecurityOpt: []string{"no-new-privileges:true"},
		},
	})
	if err != nil {
		return nil, err
	}
	s, err := f.open(ctx, created.ID, r.told, nil)
	if err != nil {
		f.remove(created.ID)
		return nil, err
	}
	hello, err := s.hold.Hello(ctx)
	if err != nil {
		err = s.explain(err)
		f.remove(created.ID)
		s.close()
		return nil, fmt.Errorf("a hand beside %s: %w", r.place.Info.Name, err)
	}
	r.hand = s
	f.Mu.Lock()
	defer f.Mu.Unlock()
	r.place.Info.ID, r.place.Info.Addr = hello.ID, hello.Addr
	if f.project != "" {
		f.noDelay = hello.NoDelay
	}
	return s, nil
}

// told hands on what a peer tells, or its hand.
func (r *run) told(e *hook.Event, missed uint64) {
	number := r.place.Info.Number
	if missed > 0 {
		r.fleet.Emit(fleet.Event{At: time.Now(), Kind: fleet.Missed, Peer: number, Run: r.number, Count: missed})
	}
	if e != nil {
		r.fleet.Emit(hold.Event(number, r.number, e))
	}
}

func (r *run) log(line string) {
	r.fleet.Emit(fleet.Event{At: time.Now(), Kind: fleet.Log, Peer: r.place.Info.Number, Run: r.number, Reason: line})
}

// setEnding says how we are about to end it.
func (r *run) setEnding(how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ending == "" {
		r.ending = how
	}
}

// release lets the sessions go, and their containers with them.
func (r *run) release() {
	r.released.Do(func() {
		r.mu.Lock()
		hand := r.hand
		r.mu.Unlock()
		if hand != nil {
			r.fleet.remove(hand.container)
			hand.close()
		}
		if r.talk != nil && r.talk != hand {
			r.fleet.remove(r.talk.container) // the peer's own, which is ours
			r.talk.close()
		}
	})
}

// over notes that a run has ended, and tells. What ended it is ours if we said so, and otherwise as it seems.
func (r *run) over(seems string) {
	f := r.fleet
	r.mu.Lock()
	how := r.ending
	r.mu.Unlock()
	if how == "" {
		how = seems
	}
	f.Mu.Lock()
	if r.place.Run != r || !r.place.Info.Alive {
		f.Mu.Unlock()
		return
	}
	r.place.Info.Alive, r.place.Info.Paused = false, false
	f.Mu.Unlock()
	r.release()
	f.Emit(fleet.Event{At: time.Now(), Kind: fleet.Ended, Peer: r.place.Info.Number, Run: r.number, Reason: how})
	close(r.ended)
}
