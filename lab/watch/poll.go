package watch

import (
	"context"
	"sync"
	"time"

	"hearsay/lab/fleet"
)

const (
	// pollEvery is how often we look whom to ask.
	pollEvery = 200 * time.Millisecond
	// statusEvery is how often a peer is asked for its status: round trips and counters are no news, and fifty peers
	// at this pace cost a hundredth of a core.
	statusEvery = 2 * time.Second
	// statusFor is how long an answer may take: a peer that is busy does not answer, nor does one that is paused.
	statusFor = time.Second
	// maxAsking is how many peers are asked at the same time.
	maxAsking = 8
)

// poller asks a fleet who there is, and its peers how they are.
type poller struct {
	wg    sync.WaitGroup
	busy  chan struct{}
	asked map[int]time.Time
}

// poll asks those whose time it is. It waits for nobody.
func (p *poller) poll(ctx context.Context, w *Watch, f fleet.Fleet) {
	if p.busy == nil {
		p.busy, p.asked = make(chan struct{}, maxAsking), map[int]time.Time{}
	}
	peers := f.Peers()
	now := f.Now()
	w.Look(now, peers)
	for _, peer := range peers {
		if !peer.Alive || peer.Paused || now.Sub(p.asked[peer.Number]) < statusEvery {
			continue
		}
		select {
		case p.busy <- struct{}{}:
		default:
			return // the others come next time, since they have waited longest
		}
		p.asked[peer.Number] = now
		p.wg.Go(func() {
			defer func() { <-p.busy }()
			w.ask(ctx, f, peer.Number)
		})
	}
}

func (p *poller) wait() { p.wg.Wait() }

// ask asks one peer for its status.
func (w *Watch) ask(ctx context.Context, f fleet.Fleet, number int) {
	ctx, cancel := context.WithTimeout(ctx, statusFor)
	defer cancel()
	unlock := w.lock()
	question := w.model.Ask(w.model.now, number)
	unlock()
	s, err := f.Status(ctx, number)
	if err != nil || s == nil {
		return // it is dying, starting or busy: events tell
	}
	w.mu.Lock()
	w.model.Status(question, s)
	w.mu.Unlock()
	w.nudge()
}
