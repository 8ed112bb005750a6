// Package cable is what lies between the peers of a fleet: who is cut off from whom, what is late and what is lost, and
// the proof that a cut is one. Engines say how their peers are made to obey.
package cable

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/hold"
	"hearsay/lab/quantity"
)

// Engine is what a Network needs of the engine whose it is.
type Engine interface {
	// Exist says which of these is no peer, and Live which does not live.
	Exist(peers []int) error
	Live(peers []int) error
	// Obey has all peers obey what the network says now, and returns when they do. Those that are paused obey when
	// they go on.
	Obey(ctx context.Context) error
	// Members are those who can be asked: they live and are not paused.
	Members() ([]Member, error)
	// Emit tells of what was done.
	Emit(fleet.Event)
}

// Member is a peer as a proof needs it.
type Member struct {
	Number int
	Name   string
	Addr   string     // where it listens
	Hold   *hold.Peer // whoever probes in its place
}

// Network makes the faults of a fleet.Fleet that lie between peers. Embed one, and call Init.
type Network struct {
	engine Engine
	deaf   bool

	// Doing is held while the peers, or what is between them, are being changed: one thing at a time.
	Doing sync.Mutex

	// Under Doing.
	groups   [][]int
	isolated map[int]bool
	delay    map[int]quantity.Spread
	loss     map[int]quantity.Share
	probes   int
}

// Init makes a whole network. Deaf says that there is no multicast, so that none has to be proved.
func (n *Network) Init(engine Engine, deaf bool) {
	n.engine, n.deaf = engine, deaf
	n.isolated, n.delay, n.loss = map[int]bool{}, map[int]quantity.Spread{}, map[int]quantity.Share{}
}

// Partition is fleet.Fleet's.
func (n *Network) Partition(ctx context.Context, groups ...[]int) error {
	if err := n.checkGroups(groups); err != nil {
		return err
	}
	var words []string
	var apart []int
	for i, g := range groups {
		words = append(words, List(g))
		if i > 0 {
			apart = append(apart, g...)
		}
	}
	return n.cut(ctx, "partition "+strings.Join(words, "/"), apart, func() { n.groups = groups })
}

// checkGroups refuses groups that are none: fewer than two, or a peer that is not there, or there twice.
func (n *Network) checkGroups(groups [][]int) error {
	if len(groups) < 2 {
		return fmt.Errorf("a partition has two groups or more: 1,2,3/4,5,6")
	}
	seen := map[int]bool{}
	for _, g := range groups {
		if len(g) == 0 {
			return fmt.Errorf("a group of a partition is empty")
		}
		if err := n.engine.Exist(g); err != nil {
			return err
		}
		for _, p := range g {
			if seen[p] {
				return fmt.Errorf("peer %d is in the partition twice", p)
			}
			seen[p] = true
		}
	}
	return nil
}

// Isolate is fleet.Fleet's. Those isolated before stay so.
func (n *Network) Isolate(ctx context.Context, peers ...int) error {
	if err := n.engine.Live(peers); err != nil {
		return err
	}
	return n.cut(ctx, "isolate "+List(peers), peers, func() {
		for _, p := range peers {
			n.isolated[p] = true
		}
	})
}

// Delay is fleet.Fleet's.
func (n *Network) Delay(ctx context.Context, by quantity.Spread, peers ...int) error {
	if err := n.engine.Live(peers); err != nil {
		return err
	}
	return n.disturb(ctx, fmt.Sprintf("delay %v %s", by, List(peers)), peers, func() {
		for _, p := range peers {
			n.delay[p] = by
		}
	})
}

// Loss is fleet.Fleet's.
func (n *Network) Loss(ctx context.Context, share quantity.Share, peers ...int) error {
	if err := n.engine.Live(peers); err != nil {
		return err
	}
	return n.disturb(ctx, fmt.Sprintf("loss %v %s", share, List(peers)), peers, func() {
		for _, p := range peers {
			n.loss[p] = share
		}
	})
}

// Heal is fleet.Fleet's, and proves that everybody hears everybody again.
func (n *Network) Heal(ctx context.Context) error {
	return n.cut(ctx, "heal", nil, n.mend)
}

func (n *Network) mend() {
	n.groups = nil
	clear(n.isolated)
	clear(n.delay)
	clear(n.loss)
}

// cut changes who is cut off from whom, and proves it. If that fails, all is as it was before.
func (n *Network) cut(ctx context.Context, what string, peers []int, change func()) error {
	n.Doing.Lock()
	defer n.Doing.Unlock()
	undo := n.keep()
	change()
	err := n.engine.Obey(ctx)
	at := time.Now()
	if err == nil {
		err = n.prove(ctx)
	}
	if err != nil {
		undo()
		n.engine.Obey(ctx)
		return fmt.Errorf("%s: %w", what, err)
	}
	n.Tell(at, what, peers)
	return nil
}

// disturb changes what is late or lost. That the peers obey is all the proof there is of a lottery.
func (n *Network) disturb(ctx context.Context, what string, peers []int, change func()) error {
	n.Doing.Lock()
	defer n.Doing.Unlock()
	undo := n.keep()
	change()
	if err := n.engine.Obey(ctx); err != nil {
		undo()
		n.engine.Obey(ctx)
		return fmt.Errorf("%s: %w", what, err)
	}
	n.Tell(time.Now(), what, peers)
	return nil
}

// keep returns what brings back the network as it is now.
func (n *Network) keep() (undo func()) {
	groups, isolated, delay, loss := n.groups, maps.Clone(n.isolated), maps.Clone(n.delay), maps.Clone(n.loss)
	return func() { n.groups, n.isolated, n.delay, n.loss = groups, isolated, delay, loss }
}

// Cuts reports whether anybody is cut off. As the following, it is for whoever holds Doing.
func (n *Network) Cuts() bool { return len(n.groups) > 0 || len(n.isolated) > 0 }

// Apart reports whether nothing is to pass between two peers.
func (n *Network) Apart(a, b int) bool {
	return a != b && (n.isolated[a] || n.isolated[b] || n.group(a) != n.group(b))
}

// Isolated reports whether a peer is cut off from everybody.
func (n *Network) Isolated(peer int) bool { return n.isolated[peer] }

// Disturbed is how late what a peer sends is, and the share of it that is lost.
func (n *Network) Disturbed(peer int) (quantity.Spread, quantity.Share) {
	return n.delay[peer], n.loss[peer]
}

func (n *Network) group(peer int) int {
	return max(0, slices.IndexFunc(n.groups, func(g []int) bool { return slices.Contains(g, peer) }))
}

// Tell tells what was done.
func (n *Network) Tell(at time.Time, what string, peers []int) {
	n.engine.Emit(fleet.Event{At: at, Kind: fleet.Faulted, Reason: what, Peers: peers})
}

// List writes numbers as people type them.
func List(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}
