// Package docker runs a fleet of peers in containers: those of a compose project that runs already, or containers of
// its own. It speaks with the Docker engine's API alone, needs no compose and no tool in any image, and touches
// nothing of the machine's own network: faults are made in the peers' network namespaces, by a hand (see peer/hook)
// that is one more container of the peers' image in each.
//
//	compose's peers   a hand each: it tells what happens by the peer's API, and filters
//	our own           speak with us by their standard streams, as local ones do; hands come with the first cut
//
// Whatever of ours is left, because the lab was killed, ends by itself, as its standard input does; what is paused
// then and cannot end is removed by a keeper (see Main), or else by the next fleet that is made.
package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/peer/node"
)

const (
	// MaxPeers bounds the places of one fleet: an engine's default bridge takes no more than a thousand ports.
	MaxPeers = 256
	// startWithin is how long a container may take from its creation to its first word.
	startWithin = 30 * time.Second
	// startsAtOnce is how many containers start at one time. An engine with two cores gains nothing by more.
	startsAtOnce = 4
	// endWithin is how long a container may take to be gone once it was killed, and stopWithin to end by itself.
	endWithin  = 10 * time.Second
	stopWithin = 5 * time.Second
	// pollEvery is how often an engine is asked again whether something has come true.
	pollEvery = 10 * time.Millisecond
)

// Config says which containers.
type Config struct {
	fleet.Config
	// Project is the compose project to attach to. Empty is the only one that runs.
	Project string
	// Image is that of containers of our own. Empty is DefaultImage.
	Image string
}

// DefaultImage is what compose.yaml calls the peer's.
const DefaultImage = "hearsay-peer"

// Fleet is a fleet.Fleet of containers.
type Fleet struct {
	fleet.Hub
	cable.Network
	cfg     Config
	docker  *client.Client
	labels  map[string]string // of all that is ours
	project string            // that we attached to; empty: the containers are ours
	network string            // of our own containers
	keeper  *keeper           // of ours
	noDelay string            // why nothing can be made late

	mu     sync.Mutex
	places []*place // by number
	closed bool

	stop   context.CancelFunc
	follow sync.WaitGroup
}

// Engine is docker.
func (f *Fleet) Engine() string { return "docker" }

// Now is the machine's clock, which containers have too.
func (f *Fleet) Now() time.Time { return time.Now() }

// Sleep waits.
func (f *Fleet) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Can returns why a fault cannot be made here.
func (f *Fleet) Can(fault fleet.Fault) error {
	if fault == fleet.FaultDelay && f.noDelay != "" {
		return fleet.Cannot("delay of compose's containers: %s. Containers that the lab starts can be delayed anywhere (--own), and so can local peers", f.noDelay)
	}
	return nil
}

// Peers are all places.
func (f *Fleet) Peers() []fleet.Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]fleet.Peer, len(f.places))
	for i, p := range f.places {
		out[i] = p.info
	}
	return out
}

// Publish says something at a peer.
func (f *Fleet) Publish(ctx context.Context, peer int, text []byte) (fleet.Published, error) {
	r, err := f.speaking(peer)
	if err != nil {
		return fleet.Published{}, err
	}
	return r.talk.hold.Publish(ctx, text, "")
}

// Status is what a peer says of itself.
func (f *Fleet) Status(ctx context.Context, peer int) (*node.Status, error) {
	r, err := f.speaking(peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cable.AnswerWithin)
	defer cancel()
	return r.talk.hold.Status(ctx)
}

var errClosed = errors.New("the fleet is closed")

// speaking returns the run of a peer that lives and is not paused.
func (f *Fleet) speaking(number int) (*run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.place(number)
	switch {
	case err != nil:
		return nil, err
	case !p.info.Alive || p.run == nil:
		return nil, fmt.Errorf("%s has ended", p.info.Name)
	case p.info.Paused:
		return nil, fmt.Errorf("%s is paused", p.info.Name)
	}
	return p.run, nil
}

// place returns a place by its number, of which compose may leave some out. The caller holds mu.
func (f *Fleet) place(number int) (*place, error) {
	i, ok := slices.BinarySearchFunc(f.places, number, func(p *place, n int) int { return cmp.Compare(p.info.Number, n) })
	if !ok {
		return nil, fmt.Errorf("there is no peer %d", number)
	}
	return f.places[i], nil
}

// addPlaces adds places in the order of their numbers.
func (f *Fleet) addPlaces(added ...*place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.places = append(f.places, added...)
	slices.SortFunc(f.places, func(a, b *place) int { return cmp.Compare(a.info.Number, b.info.Number) })
}

// Close takes back all hands, and with them all cuts. Containers that are ours end; compose's go on.
func (f *Fleet) Close() error {
	f.stop()
	f.follow.Wait()
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	places := slices.Clone(f.places)
	f.mu.Unlock()
	err := cable.Each(places, startsAtOnce, func(p *place) error {
		if p.run == nil {
			return nil
		}
		if f.project == "" {
			p.run.setEnding("stop")
			f.remove(p.container)
		}
		p.run.release()
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	return errors.Join(err, f.removeOurs(ctx, func(labels map[string]string) bool { return labels[labelLab] == f.labels[labelLab] }), f.keeper.close(), f.docker.Close())
}
