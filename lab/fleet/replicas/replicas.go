// Package replicas watches peers that somebody else starts: those that a DNS name stands for, such as a service of a
// compose project. It knows of them by their HTTP APIs alone, so it is an eye without a hand: nothing can be broken.
//
// Who answers at an address that the name stands for has a place; who no longer accepts connections has ended, and who
// accepts them and does not answer is paused. When what comes and goes is known to a quarter of a second, messages at once.
package replicas

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/peer/discovery"
	"hearsay/peer/hook"
	"hearsay/peer/node"
)

const (
	// Engine is what this engine is called.
	Engine = "replicas"
	// MaxPeers bounds places, and the addresses that are looked at. Beyond it the place is given away whose peer ended
	// longest ago; where all live, further ones are not seen.
	MaxPeers = 256
	// seekEvery is how often the names are looked up.
	seekEvery = time.Second
	// againAfter is how soon an address is tried again at which nobody answers.
	againAfter = 500 * time.Millisecond
	// answerWithin is how long a peer may take to answer before it is taken for paused. One that is only busy takes
	// milliseconds.
	answerWithin = 2 * time.Second
	// acceptWithin is how long a connection may take: its far kernel opens it, however busy or paused the peer is.
	acceptWithin = time.Second
	// pausedFor is how long one question to a paused peer stays open; when it goes on it answers that at once.
	pausedFor = 10 * time.Second
	// vacantWithin is how long a newcomer waits for the number that its name says, if that seems taken: who was there
	// before it may be on its way out.
	vacantWithin = 5 * time.Second
)

// Config says who is watched.
type Config struct {
	// At is where the peers' APIs are: names or addresses with ports, several by commas, such as peer:7070.
	At string
	// Hint is added to what is said of every fault: how to get a lab that can make it. It may be empty.
	Hint string
	// Resolver looks names up. Nil asks the system.
	Resolver *discovery.Resolver
}

// Fleet is a fleet.Fleet that only watches.
type Fleet struct {
	fleet.Hub
	fleet.WallClock
	cfg       Config
	targets   []discovery.Target
	transport *http.Transport

	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	list     []*place                // by number
	found    []netip.AddrPort        // what the names stood for last
	followed map[netip.AddrPort]bool // addresses that somebody looks at
}

var _ fleet.Fleet = (*Fleet)(nil)

// New begins to watch. Who there is becomes known as they answer.
func New(cfg Config) (*Fleet, error) {
	targets, err := discovery.ParseJoin([]string{cfg.At})
	if err == nil && len(targets) == 0 {
		err = errors.New("it names nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("where the peers are: %w", err)
	}
	if cfg.Resolver == nil {
		cfg.Resolver = &discovery.Resolver{}
	}
	f := &Fleet{
		cfg: cfg, targets: targets, followed: map[netip.AddrPort]bool{},
		// No proxy, since the peers are on a network of ours. Two connections for each: one is the stream's.
		transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: acceptWithin}).DialContext, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		},
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	f.work.Go(func() { f.seek(ctx) })
	return f, nil
}

// seek looks the names up again and again, and has somebody look at each address.
func (f *Fleet) seek(ctx context.Context) {
	tick := time.NewTicker(seekEvery)
	defer tick.Stop()
	for {
		found, err := f.cfg.Resolver.Resolve(ctx, f.targets)
		f.mu.Lock()
		// A name server that does not answer says nothing of who has gone; that there is no such name says it.
		dns, ok := errors.AsType[*net.DNSError](err)
		if err == nil || ok && dns.IsNotFound {
			f.found = nil
		}
		for _, a := range found {
			if !slices.Contains(f.found, a) && len(f.found) < MaxPeers {
				f.found = append(f.found, a)
			}
		}
		for _, a := range f.found {
			if !f.followed[a] && len(f.followed) < MaxPeers {
				f.followed[a] = true
				f.work.Go(func() { f.follow(ctx, a) })
			}
		}
		f.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow watches whoever answers at an address, one after the other, until no name stands for it and nobody answers.
func (f *Fleet) follow(ctx context.Context, at netip.AddrPort) {
	var waits time.Time // since when somebody is there who has no place
	for {
		f.meet(ctx, at, &waits)
		f.mu.Lock()
		if ctx.Err() != nil || !slices.Contains(f.found, at) {
			delete(f.followed, at)
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		select {
		case <-time.After(againAfter):
		case <-ctx.Done():
		}
	}
}

// Close ends the watching. The peers go on.
func (f *Fleet) Close() error {
	f.stop()
	f.work.Wait()
	f.transport.CloseIdleConnections()
	return nil
}

// Engine is replicas.
func (f *Fleet) Engine() string { return Engine }

// Publish says something at a peer.
func (f *Fleet) Publish(ctx context.Context, peer int, text []byte) (fleet.Published, error) {
	eye, err := f.speaking(peer)
	if err != nil {
		return fleet.Published{}, err
	}
	p, err := eye.Publish(ctx, text, "")
	if err != nil {
		return fleet.Published{}, err
	}
	return fleet.Published(*p), nil
}

// Status is what a peer says of itself.
func (f *Fleet) Status(ctx context.Context, peer int) (*node.Status, error) {
	eye, err := f.speaking(peer)
	if err != nil {
		return nil, err
	}
	return eye.Status(ctx)
}

// speaking is the eye on a peer that lives and is not paused.
func (f *Fleet) speaking(number int) (*hook.Onlooker, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(number)
	switch {
	case p == nil:
		return nil, fmt.Errorf("there is no peer %d", number)
	case !p.info.Alive:
		return nil, fmt.Errorf("%s has ended", p.info.Name)
	case p.info.Paused:
		return nil, fmt.Errorf("%s is paused", p.info.Name)
	}
	return p.run.eye, nil
}

// Can says of every fault that this engine cannot make it.
func (f *Fleet) Can(fleet.Fault) error {
	why := "this lab only watches"
	if f.cfg.Hint != "" {
		why += ": " + f.cfg.Hint
	}
	return fleet.Cannot("%s", why)
}

// The faults, none of which can be made.

func (f *Fleet) Add(context.Context, int, fleet.Options) ([]int, error) {
	return nil, f.Can(fleet.FaultAdd)
}
func (f *Fleet) Start(context.Context, ...int) error                  { return f.Can(fleet.FaultStart) }
func (f *Fleet) Kill(context.Context, ...int) error                   { return f.Can(fleet.FaultKill) }
func (f *Fleet) Stop(context.Context, ...int) error                   { return f.Can(fleet.FaultStop) }
func (f *Fleet) Pause(context.Context, ...int) error                  { return f.Can(fleet.FaultPause) }
func (f *Fleet) Resume(context.Context, ...int) error                 { return f.Can(fleet.FaultPause) }
func (f *Fleet) Partition(context.Context, ...[]int) error            { return f.Can(fleet.FaultPartition) }
func (f *Fleet) Isolate(context.Context, ...int) error                { return f.Can(fleet.FaultIsolate) }
func (f *Fleet) Delay(context.Context, quantity.Spread, ...int) error { return f.Can(fleet.FaultDelay) }
func (f *Fleet) Loss(context.Context, quantity.Share, ...int) error   { return f.Can(fleet.FaultLoss) }
func (f *Fleet) Heal(context.Context) error                           { return f.Can(fleet.FaultPartition) }
