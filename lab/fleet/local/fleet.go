// Package local runs a fleet of peers as processes on this machine's loopback. It needs no root, no Docker and no
// other program: the peers are this very program in another role (see Main), and their faults are made inside of
// them (see peer/hook).
//
// What a partition cannot show here: when the process that dialled a link dies while the link is cut, its kernel
// tells the far side all the same.
package local

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/peer/node"
)

const (
	// MaxPeers bounds the places of one fleet: a peer takes some 20 MB, and its share of the cores.
	MaxPeers = 512
	// startWithin is how long a peer may take to say hello, on a machine that is busy with many.
	startWithin = 20 * time.Second
	// startsAtOnce is how many peers start at one time.
	startsAtOnce = 8
	// endWithin is how long a peer may take to end by itself: its goodbye, and two seconds for its last traces.
	endWithin = 4 * time.Second
)

// Fleet is a fleet.Fleet of processes.
type Fleet struct {
	fleet.Hub
	cable.Network
	cfg     fleet.Config
	program string
	role    string   // the environment variable that makes a peer of it
	flags   []string // of every peer
	spawn   *spawner

	mu     sync.Mutex
	places []*place
	closed bool
}

// reserved are flags by which a fleet holds its peers.
var reserved = []string{"name", "listen", "http", "lab"}

// New returns a fleet without peers. Flags may set whatever peer has flags for, but for its name and its addresses;
// group and interface have defaults of their own, so that one fleet does not hear another.
func New(cfg fleet.Config) (*Fleet, error) {
	path, role, err := program()
	if err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg, program: path, role: role}
	flags := map[string]string{"group": ownGroup()}
	deaf := cfg.Flags["group"] == "none"
	f.Init(f, deaf)
	if !deaf {
		if flags["interface"], err = loopback(); err != nil {
			return nil, err
		}
	}
	for name, value := range cfg.Flags {
		if slices.Contains(reserved, name) {
			return nil, fmt.Errorf("--%s of the peers is the lab's own to set", name)
		}
		flags[name] = value
	}
	for name, value := range flags {
		f.flags = append(f.flags, "--"+name+"="+value)
	}
	slices.Sort(f.flags)
	f.spawn = newSpawner()
	return f, nil
}

// ownGroup is a multicast group for one fleet, on a port below those that systems give to whoever asks for any.
func ownGroup() string {
	return fmt.Sprintf("239.255.%d.%d:%d", rand.IntN(256), 1+rand.IntN(254), 20000+rand.IntN(12000))
}

// loopback is the name of the interface that reaches this machine alone.
func loopback() (string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name, nil
		}
	}
	return "", fleet.Cannot("no loopback interface is up (on Linux: ip link set lo up)")
}

// Engine is local.
func (f *Fleet) Engine() string { return "local" }

// Now is the machine's clock.
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
	if fault == fleet.FaultPause {
		return canPause()
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
	return r.hold.Publish(ctx, text, "")
}

// Status is what a peer says of itself.
func (f *Fleet) Status(ctx context.Context, peer int) (*node.Status, error) {
	r, err := f.speaking(peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cable.AnswerWithin)
	defer cancel()
	return r.hold.Status(ctx)
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
	case !p.info.Alive:
		return nil, fmt.Errorf("%s has ended", p.info.Name)
	case p.info.Paused:
		return nil, fmt.Errorf("%s is paused", p.info.Name)
	}
	return p.run, nil
}

// place returns a place by its number. The caller holds mu.
func (f *Fleet) place(number int) (*place, error) {
	if number < 1 || number > len(f.places) {
		return nil, fmt.Errorf("there is no peer %d", number)
	}
	return f.places[number-1], nil
}

// Close ends all peers, and returns when nothing is left of them.
func (f *Fleet) Close() error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	var all []*run
	for _, p := range f.places {
		if p.run != nil {
			all = append(all, p.run)
		}
	}
	f.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Go(func() { r.end(endWithin) })
	}
	wg.Wait()
	f.spawn.close()
	return nil
}
