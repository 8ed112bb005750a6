package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hearsay/lab/fleet"
)

const (
	// churnFor is how long a churn lasts if nothing is said.
	churnFor = 60 * time.Second
	// downLeast and downMost are how long a churned peer stays dead: from a quick supervisor to a slow boot. Scenarios
	// have the same.
	downLeast = time.Second
	downMost  = 3 * time.Second
	// churnLeaves is how many peers a churn leaves alive at least: one alone would keep nothing for anybody.
	churnLeaves = 2
)

// churns is the churn that is going on, if there is one. The zero value is none.
type churns struct {
	mu     sync.Mutex
	text   string
	cancel context.CancelFunc
}

// begin makes room for a churn, in place of an earlier one.
func (c *churns) begin(ctx context.Context, text string) (context.Context, func()) {
	c.stop()
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text, c.cancel = text, cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.text == text {
			c.text = ""
		}
	}
}

// stop ends the churn.
func (c *churns) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
		c.cancel, c.text = nil, ""
	}
}

func (c *churns) what() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text
}

// churn kills peers, chosen by chance, at a rate, and starts each again after a while.
func (s *Server) churn(ctx context.Context, q FaultRequest) (*Outcome, error) {
	if q.Rate == nil {
		return nil, usageError{errors.New("churn: say how often: 1/s")}
	}
	last, err := duration(q.For, churnFor)
	if err != nil {
		return nil, err
	}
	for _, f := range []fleet.Fault{fleet.FaultKill, fleet.FaultStart} {
		if err := s.cfg.Fleet.Can(f); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("churn %v for %v", *q.Rate, last)
	if !q.Wait {
		s.work.Go(func() { s.churnOn(ctx, text, q.Rate.Gap(), last) })
		return &Outcome{Fault: "churn", Peers: []int{}, Text: text + " begins.", OK: true, NoticedMS: -1, FlowedMS: -1, SlotsMS: -1, HealedMS: -1}, nil
	}
	return s.churnOn(ctx, text, q.Rate.Gap(), last), nil
}

// churnOn returns once all that were killed run again, and says what the mesh is then.
func (s *Server) churnOn(ctx context.Context, text string, gap, last time.Duration) *Outcome {
	ctx, done := s.churns.begin(ctx, text)
	defer done()
	s.say(text + " begins.")
	before := s.lastFault()
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	tick := time.NewTicker(gap)
	defer tick.Stop()
	var rising sync.WaitGroup
	begun, killed, failed := time.Now(), 0, 0
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-tick.C:
		}
		victim := s.victim()
		if victim == 0 {
			continue
		}
		if s.cfg.Fleet.Kill(s.ctx, victim) != nil {
			failed++
			continue
		}
		killed++
		rising.Go(func() {
			select {
			case <-time.After(downLeast + rand.N(downMost-downLeast)):
			case <-ctx.Done():
			}
			s.cfg.Fleet.Start(s.ctx, victim) // somebody else may have started it
		})
	}
	rising.Wait()
	d := &deed{kind: "start", before: before, said: fmt.Sprintf("%s killed and started again in %v", counted(killed, "peer"), time.Since(begun).Round(time.Second/10))}
	if killed == 0 {
		return &Outcome{Fault: "churn", Peers: []int{}, OK: failed == 0, Text: "Nobody could be killed: a churn leaves two.", NoticedMS: -1, FlowedMS: -1, SlotsMS: -1, HealedMS: -1}
	}
	o := s.aftermath(s.ctx, d)
	o.Fault = "churn"
	s.say(o.Text)
	return o
}

// victim is somebody who can be spared, or 0.
func (s *Server) victim() int {
	var choice []int
	for _, p := range s.cfg.Fleet.Peers() {
		if p.Alive && !p.Paused {
			choice = append(choice, p.Number)
		}
	}
	if len(choice) <= churnLeaves {
		return 0
	}
	return choice[rand.IntN(len(choice))]
}
