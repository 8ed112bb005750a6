// Package live has simulated peers run at the pace of a clock, so that they can be watched and broken by hand like
// real ones: fleet.Fleet over lab/fleet/simfleet, for several goroutines. It needs no processes, ports or multicast,
// and fifty peers cost a few hundredths of a core.
package live

import (
	"context"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/quantity"
	"hearsay/lab/sim"
	"hearsay/peer/node"
)

// tick is how much time passes at once. What happens in it has its own virtual time, and is told at its end.
const tick = 10 * time.Millisecond

// Fleet is a simulated fleet that lives by itself.
//
// Nobody outside is called with mu held: whoever watches has locks of its own, and may ask the fleet who there is while
// it holds them. What happens is noted under mu, and told without it.
type Fleet struct {
	mu       sync.Mutex
	inner    *simfleet.Fleet
	failed   error
	recorder *Recorder // nil while nobody wants spans
	// events and made happened and are not told yet: those of one tick and of the calls that are under way.
	events []fleet.Event
	made   []*tracepb.ResourceSpans

	// telling is held by whoever tells, so that it is done in order. It is taken before mu, never with it held, and not
	// at all by what only asks.
	telling sync.Mutex
	hub     fleet.Hub
	spans   func(*tracepb.ResourceSpans)

	stop context.CancelFunc
	done chan struct{}
	once sync.Once
}

// New starts time for a fleet of no peers yet. Spans go to spans, which like whoever watches may ask for Now, Peers and
// Status, and must call nothing else of the fleet; nil is nobody.
func New(c sim.Config, spans func(*tracepb.ResourceSpans)) *Fleet {
	c.Sampled = spans != nil
	ctx, stop := context.WithCancel(context.Background())
	f := &Fleet{
		inner: simfleet.New(c), spans: spans, stop: stop, done: make(chan struct{}),
	}
	f.inner.Watch(func(e fleet.Event) { f.events = append(f.events, e) })
	if spans != nil {
		f.recorder = Record(f.inner.World())
	}
	go f.run(ctx)
	return f
}

// run lets virtual time pass as the clock's does. A machine that is too slow has it pass more slowly.
func (f *Fleet) run(ctx context.Context) {
	defer close(f.done)
	timer := time.NewTicker(tick)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			f.mu.Lock()
			if f.failed == nil {
				f.failed = f.inner.Sleep(context.Background(), tick)
			}
			if f.recorder != nil {
				f.recorder.Flush(func(rs *tracepb.ResourceSpans) { f.made = append(f.made, rs) })
			}
			f.mu.Unlock()
			f.tell()
		}
	}
}

// tell tells of what has happened. All that happened before it was called is told when it returns, by whomever.
func (f *Fleet) tell() {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.mu.Lock()
	events, made := f.events, f.made
	f.events, f.made = nil, nil
	f.mu.Unlock()
	for _, e := range events {
		f.hub.Emit(e)
	}
	for _, rs := range made {
		f.spans(rs)
	}
}

// locked does one thing to the fleet, or asks it.
func locked[T any](f *Fleet, do func() (T, error)) (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := do()
	if f.failed != nil {
		err = f.failed
	}
	return v, err
}

// fault does something, and returns once it is told.
func (f *Fleet) fault(do func() error) error {
	defer f.tell()
	_, err := locked(f, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// Live says that several goroutines may call the fleet, unlike the simulator's own.
func (f *Fleet) Live() bool { return true }

// Engine is sim.
func (f *Fleet) Engine() string { return simfleet.Engine }

// Now is the virtual time.
func (f *Fleet) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.inner.Now()
}

// Sleep waits while time passes.
func (f *Fleet) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// Peers are all places.
func (f *Fleet) Peers() []fleet.Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.inner.Peers()
}

// Add starts n more peers.
func (f *Fleet) Add(ctx context.Context, n int, o fleet.Options) ([]int, error) {
	defer f.tell()
	return locked(f, func() ([]int, error) { return f.inner.Add(ctx, n, o) })
}

// Start starts peers again that have ended.
func (f *Fleet) Start(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Start(ctx, peers...) })
}

// Kill ends peers without a word.
func (f *Fleet) Kill(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Kill(ctx, peers...) })
}

// Stop has peers say goodbye and end.
func (f *Fleet) Stop(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Stop(ctx, peers...) })
}

// Pause stops peers for a while.
func (f *Fleet) Pause(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Pause(ctx, peers...) })
}

// Resume lets them go on.
func (f *Fleet) Resume(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Resume(ctx, peers...) })
}

// Partition cuts the network between groups.
func (f *Fleet) Partition(ctx context.Context, groups ...[]int) error {
	return f.fault(func() error { return f.inner.Partition(ctx, groups...) })
}

// Isolate cuts peers off from everybody.
func (f *Fleet) Isolate(ctx context.Context, peers ...int) error {
	return f.fault(func() error { return f.inner.Isolate(ctx, peers...) })
}

// Delay makes everything late that these peers send.
func (f *Fleet) Delay(ctx context.Context, by quantity.Spread, peers ...int) error {
	return f.fault(func() error { return f.inner.Delay(ctx, by, peers...) })
}

// Loss drops a share of what these peers send.
func (f *Fleet) Loss(ctx context.Context, share quantity.Share, peers ...int) error {
	return f.fault(func() error { return f.inner.Loss(ctx, share, peers...) })
}

// Heal undoes what was done to the network.
func (f *Fleet) Heal(ctx context.Context) error {
	return f.fault(func() error { return f.inner.Heal(ctx) })
}

// Can is always nil: the simulator can do everything.
func (f *Fleet) Can(fault fleet.Fault) error { return f.inner.Can(fault) }

// Publish says something at a peer.
func (f *Fleet) Publish(ctx context.Context, peer int, text []byte) (fleet.Published, error) {
	defer f.tell()
	return locked(f, func() (fleet.Published, error) { return f.inner.Publish(ctx, peer, text) })
}

// Status is what a peer says of itself.
func (f *Fleet) Status(ctx context.Context, peer int) (*node.Status, error) {
	return locked(f, func() (*node.Status, error) { return f.inner.Status(ctx, peer) })
}

// Watch has watch told of everything that happens from now on. It may ask for Now, Peers and Status.
func (f *Fleet) Watch(watch func(fleet.Event)) (cancel func()) { return f.hub.Watch(watch) }

// Close ends time, and all peers.
func (f *Fleet) Close() (err error) {
	f.once.Do(func() {
		f.stop()
		<-f.done
		f.mu.Lock()
		err = f.inner.Close()
		f.mu.Unlock()
		f.tell()
	})
	return err
}
