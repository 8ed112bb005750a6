// Package places is what engines of real peers have in common: who there is, who runs, and who is paused.
package places

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/lab/fleet/hold"
	"hearsay/peer/node"
)

// ErrClosed is returned once a fleet is closed.
var ErrClosed = errors.New("the fleet is closed")

// Run is one life of a peer, as an engine has it.
type Run interface {
	// Speaker is who answers for the peer.
	Speaker() *hold.Peer
	// Freeze stops it, and returns once it is known to be stopped; Thaw has it go on.
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
	// Obey has it obey the rules that are in force, and returns when it does.
	Obey(ctx context.Context) error
}

// Place is where a peer runs, and runs again.
type Place[R Run] struct {
	Info     fleet.Peer // Number and Name stay; the rest is under Mu
	Run      R          // the present one, or the last; under Mu
	Siphoner bool
	Key      string // what the engine calls it
}

// Base is the part of a fleet.Fleet that does not depend on what the peers are. An engine embeds it, and calls Init.
type Base[R Run] struct {
	fleet.Hub
	fleet.WallClock
	cable.Network
	Mu     sync.Mutex
	List   []*Place[R] // by number, of which some may be left out; under Mu
	Closed bool        // under Mu
}

// Peers are all places.
func (b *Base[R]) Peers() []fleet.Peer {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	out := make([]fleet.Peer, len(b.List))
	for i, p := range b.List {
		out[i] = p.Info
	}
	return out
}

// Publish says something at a peer.
func (b *Base[R]) Publish(ctx context.Context, peer int, text []byte) (fleet.Published, error) {
	r, err := b.speaking(peer)
	if err != nil {
		return fleet.Published{}, err
	}
	return r.Speaker().Publish(ctx, text, "")
}

// Status is what a peer says of itself.
func (b *Base[R]) Status(ctx context.Context, peer int) (*node.Status, error) {
	r, err := b.speaking(peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cable.AnswerWithin)
	defer cancel()
	return r.Speaker().Status(ctx)
}

// speaking returns the run of a peer that lives and is not paused.
func (b *Base[R]) speaking(number int) (r R, err error) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	p, err := b.Place(number)
	switch {
	case err != nil:
		return r, err
	case !p.Info.Alive:
		return r, fmt.Errorf("%s has ended", p.Info.Name)
	case p.Info.Paused:
		return r, fmt.Errorf("%s is paused", p.Info.Name)
	}
	return p.Run, nil
}

// Place returns a place by its number. The caller holds Mu.
func (b *Base[R]) Place(number int) (*Place[R], error) {
	i, ok := slices.BinarySearchFunc(b.List, number, func(p *Place[R], n int) int { return cmp.Compare(p.Info.Number, n) })
	if !ok {
		return nil, fmt.Errorf("there is no peer %d", number)
	}
	return b.List[i], nil
}

// Insert adds places in the order of their numbers.
func (b *Base[R]) Insert(added ...*Place[R]) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.List = append(b.List, added...)
	slices.SortFunc(b.List, func(p, q *Place[R]) int { return cmp.Compare(p.Info.Number, q.Info.Number) })
}

// Living returns the places of peers, all of which must live.
func (b *Base[R]) Living(peers []int) (all []*Place[R], err error) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if b.Closed {
		return nil, ErrClosed
	}
	for _, number := range peers {
		p, err := b.Place(number)
		if err == nil && !p.Info.Alive {
			err = fmt.Errorf("%s has ended", p.Info.Name)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Dead returns the places of peers, none of which may live.
func (b *Base[R]) Dead(peers []int) (all []*Place[R], err error) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	for _, number := range peers {
		p, err := b.Place(number)
		if err == nil && p.Info.Alive {
			err = fmt.Errorf("%s runs already", p.Info.Name)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Present are the places whose peers live.
func (b *Base[R]) Present() (all []*Place[R]) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	for _, p := range b.List {
		if p.Info.Alive {
			all = append(all, p)
		}
	}
	return all
}

// Exist says which of these is no peer.
func (b *Base[R]) Exist(peers []int) error {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	for _, n := range peers {
		if _, err := b.Place(n); err != nil {
			return err
		}
	}
	return nil
}

// Live says which of these does not live.
func (b *Base[R]) Live(peers []int) error {
	_, err := b.Living(peers)
	return err
}
