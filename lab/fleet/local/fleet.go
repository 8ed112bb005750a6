// Package local runs a fleet of peers as processes on this machine's loopback. It needs no root, no Docker and no
// other program: the peers are this very program in another role (see Main), and their faults are made inside of
// them (see peer/hook).
//
// What a partition cannot show here: when the process that dialled a link dies while the link is cut, its kernel
// tells the far side all the same.
package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/places"
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
	places.Base[*run]
	cfg     fleet.Config
	program string
	role    string   // the environment variable that makes a peer of it
	flags   []string // of every peer
	spawn   *spawner
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

// Most is how many peers there can be.
func (f *Fleet) Most() int { return MaxPeers }

// Can returns why a fault cannot be made here.
func (f *Fleet) Can(fault fleet.Fault) error {
	if fault == fleet.FaultPause {
		return canPause()
	}
	return nil
}

// Close ends all peers, and returns when nothing is left of them.
func (f *Fleet) Close() error {
	f.Doing.Lock()
	defer f.Doing.Unlock()
	f.Mu.Lock()
	if f.Closed {
		f.Mu.Unlock()
		return nil
	}
	f.Closed = true
	var all []*run
	for _, p := range f.List {
		if p.Run != nil {
			all = append(all, p.Run)
		}
	}
	f.Mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Go(func() { r.end(endWithin) })
	}
	wg.Wait()
	f.spawn.close()
	return nil
}
