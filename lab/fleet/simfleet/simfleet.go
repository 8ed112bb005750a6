// Package simfleet is a fleet of simulated peers: fleet.Fleet over lab/sim. Time is virtual, and passes in
// Sleep alone; the same seed and the same calls give the same run.
package simfleet

import (
	"context"
	"fmt"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/lab/sim"
	"hearsay/peer/node"
	"hearsay/peer/wire"
)

// Engine is the name of this engine.
const Engine = "sim"

// look is how often the fleet looks which links are eager, which peers do not tell, and whether its caller
// wants to stop.
const look = 50 * time.Millisecond

// Fleet is some simulated peers. One goroutine at a time calls its methods.
type Fleet struct {
	fleet.Hub
	world     *sim.World
	places    []*place
	looked    time.Duration
	spans     recorders
	multicast string // as a status has it

	// Faults of the network that last: hosts that are added later are under them too.
	isolated map[int]bool
	delays   map[int]quantity.Spread
	losses   map[int]quantity.Share

	traced wire.Context // of the message that is being published
}

// place is a host, and what the simulator does not keep of its peer.
type place struct {
	host    *sim.Host
	number  int
	run     int
	started time.Time
	sent    uint64          // announcements, of this run
	eager   map[string]bool // links, as they were looked at last
}

// New returns a fleet in which nobody has started yet. The peers' spans are kept if c.Sampled is set.
func New(c sim.Config) *Fleet {
	f := &Fleet{
		world: sim.New(c), multicast: "works",
		isolated: map[int]bool{}, delays: map[int]quantity.Spread{}, losses: map[int]quantity.Share{},
	}
	if c.NoMulticast {
		f.multicast = "off"
	}
	f.world.Watch((*watcher)(f))
	return f
}

// Engine is sim.
func (f *Fleet) Engine() string { return Engine }

// Now is the virtual time.
func (f *Fleet) Now() time.Time { return f.world.Time() }

// World is the simulator, for its counters.
func (f *Fleet) World() *sim.World { return f.world }

// Sleep lets virtual time pass. An error is the context's, or a promise that the simulator saw broken: then
// time stands still for good.
func (f *Fleet) Sleep(ctx context.Context, d time.Duration) error {
	w := f.world
	for end := w.Now() + d; ; {
		if err := f.broken(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.Now() >= f.looked+look {
			f.looked = w.Now()
			f.lookAtLinks()
		}
		if w.Now() >= end {
			return nil
		}
		w.Run(min(look, end-w.Now()))
	}
}

// broken is the promise that was broken, or nil.
func (f *Fleet) broken() error {
	if v := f.world.Failed(); v != nil {
		return fmt.Errorf("a promise was broken, %w", v)
	}
	return nil
}

// Peers are all places.
func (f *Fleet) Peers() []fleet.Peer {
	list := make([]fleet.Peer, len(f.places))
	for i, p := range f.places {
		list[i] = fleet.Peer{
			Number: p.number, Name: p.host.Name, ID: string(p.host.ID()), Addr: p.host.Addr().String(),
			Run: p.run, Alive: p.host.Alive(), Paused: p.host.Paused(), Started: p.started,
		}
	}
	return list
}

// Status is what a peer says of itself.
func (f *Fleet) Status(_ context.Context, peer int) (*node.Status, error) {
	p, err := f.place(peer)
	if err != nil {
		return nil, err
	}
	if !p.host.Alive() || p.host.Paused() {
		return nil, fmt.Errorf("%s does not answer", p.host.Name)
	}
	m := p.host.Status()
	s := node.StatusOf(&m, f.Now())
	s.Addr = p.host.Addr().String()
	s.Announce = node.AnnounceStatus{Sent: p.sent, Multicast: f.multicast}
	return &s, nil
}

// Publish says something at a peer.
func (f *Fleet) Publish(_ context.Context, peer int, text []byte) (fleet.Published, error) {
	p, err := f.place(peer)
	if err != nil {
		return fleet.Published{}, err
	}
	f.traced = wire.Context{}
	seq, err := p.host.Publish(text)
	if err != nil {
		return fleet.Published{}, err
	}
	m := message(p.origin(), p.host.Name, seq, 0, f.traced, text)
	f.Emit(fleet.Event{At: f.Now(), Kind: fleet.Said, Peer: peer, Run: p.run, Message: m})
	return fleet.Published{ID: m.ID, TraceID: m.TraceID, Seq: seq}, f.broken()
}

// Close ends all peers.
func (f *Fleet) Close() error {
	for _, p := range f.places {
		p.host.Kill()
	}
	return nil
}

func (f *Fleet) place(number int) (*place, error) {
	if number < 1 || number > len(f.places) {
		return nil, fmt.Errorf("there is no peer %d among %d", number, len(f.places))
	}
	return f.places[number-1], nil
}

// origin is what the peer publishes as; the simulator's epochs are the numbers of its runs.
func (p *place) origin() wire.Origin { return wire.NewOrigin(p.host.ID(), uint64(p.run)) }
