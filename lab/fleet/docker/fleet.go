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
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/places"
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

	later bool // the project's containers may come later
}

// DefaultImage is what compose.yaml calls the peer's.
const DefaultImage = "hearsay-peer"

// Fleet is a fleet.Fleet of containers.
type Fleet struct {
	places.Base[*run]
	cfg     Config
	docker  *client.Client
	labels  map[string]string // of all that is ours
	project string            // that we attached to; empty: the containers are ours
	network string            // of our own containers
	keeper  *keeper           // of ours
	noDelay string            // why nothing can be made late

	stop   context.CancelFunc
	follow sync.WaitGroup
}

// Engine is docker.
func (f *Fleet) Engine() string { return "docker" }

// Can returns why a fault cannot be made here.
func (f *Fleet) Can(fault fleet.Fault) error {
	if fault == fleet.FaultDelay && f.noDelay != "" {
		return fleet.Cannot("delay of compose's containers: %s. Containers that the lab starts can be delayed anywhere (--own), and so can local peers", f.noDelay)
	}
	return nil
}

// Close takes back all hands, and with them all cuts. Containers that are ours end; compose's go on.
func (f *Fleet) Close() error {
	f.stop()
	f.follow.Wait()
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.Mu.Lock()
	if f.Closed {
		f.Mu.Unlock()
		return nil
	}
	f.Closed = true
	all := slices.Clone(f.List)
	f.Mu.Unlock()
	err := cable.Each(all, startsAtOnce, func(p *place) error {
		if p.Run == nil {
			return nil
		}
		if f.project == "" {
			p.Run.setEnding("stop")
			f.remove(p.Key)
		}
		p.Run.release()
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	return errors.Join(err, f.removeOurs(ctx, func(labels map[string]string) bool { return labels[labelLab] == f.labels[labelLab] }), f.keeper.close(), f.docker.Close())
}
