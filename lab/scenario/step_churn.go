package scenario

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
)

// churnStep kills a peer, chosen by chance, so and so often, and starts each again after a while. It never
// leaves fewer than two.
type churnStep struct {
	rate  quantity.Rate
	last  time.Duration
	peers who
	down  quantity.Range // how long a peer stays dead
}

// The time that a peer stays dead if the file does not tell: from a quick supervisor to a slow boot.
const (
	downLeast = time.Second
	downMost  = 3 * time.Second
)

func readChurn(r *reader, n *yaml.Node) action {
	s := &churnStep{peers: "all", down: quantity.Range{Min: downLeast, Max: downMost}}
	r.mapping(n, "churn", fields{
		"rate":  func(n *yaml.Node) { r.amount(n, "rate", &s.rate) },
		"for":   func(n *yaml.Node) { s.last = r.duration(n, "for") },
		"peers": func(n *yaml.Node) { s.peers = r.peers(n, "peers") },
		"down":  func(n *yaml.Node) { r.amount(n, "down", &s.down) },
	})
	if n.Kind == yaml.MappingNode && (s.rate == 0 || s.last == 0) {
		r.fail(n.Line, "churn says not how often or for how long", "write churn: {rate: 1/s, for: 60s}")
	}
	return s
}

func (s *churnStep) String() string {
	return fmt.Sprintf("churn %v of %s for %v", s.rate, s.peers, s.last)
}
func (s *churnStep) needs() []fleet.Fault { return []fleet.Fault{fleet.FaultKill, fleet.FaultStart} }
func (s *churnStep) check(c *checker)     { c.exist(s.peers) }

// rise is a dead peer, and when it is to be started again.
type rise struct {
	peer int
	at   time.Time
}

func (s *churnStep) do(ctx context.Context, r *run) error {
	members, err := s.peers.pick(r, false)
	if err != nil {
		return err
	}
	return r.shake(ctx, "churn", s.String(), func(ctx context.Context) error {
		end := r.fleet.Now().Add(s.last)
		kill := r.fleet.Now().Add(s.rate.Gap())
		var dead []rise
		for kill.Before(end) {
			next := kill
			if len(dead) > 0 && dead[0].at.Before(next) {
				next = dead[0].at
			}
			if err := r.pass(ctx, next); err != nil {
				return err
			}
			if dead, err = s.raise(ctx, r, dead, r.fleet.Now()); err != nil {
				return err
			}
			if r.fleet.Now().Before(kill) {
				continue
			}
			// What an engine cannot do so fast is not made good for later.
			kill = later(kill.Add(s.rate.Gap()), r.fleet.Now())
			if dead, err = s.strike(ctx, r, members, dead); err != nil {
				return err
			}
		}
		for len(dead) > 0 {
			if err := r.pass(ctx, dead[0].at); err != nil {
				return err
			}
			if dead, err = s.raise(ctx, r, dead, r.fleet.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// strike kills one of those who live.
func (s *churnStep) strike(ctx context.Context, r *run, members []int, dead []rise) ([]rise, error) {
	all := r.fleet.Peers()
	living := 0
	var choice []int
	for _, p := range all {
		if p.Alive && !p.Paused {
			living++
			if slices.Contains(members, p.Number) {
				choice = append(choice, p.Number)
			}
		}
	}
	if living <= 2 || len(choice) == 0 {
		return dead, nil
	}
	victim := choice[r.rng.IntN(len(choice))]
	if err := r.fleet.Kill(ctx, victim); err != nil {
		return dead, err
	}
	r.changed(victim)
	down := s.down.Min
	if more := s.down.Max - s.down.Min; more > 0 {
		down += time.Duration(r.rng.Int64N(int64(more)))
	}
	dead = append(dead, rise{victim, r.fleet.Now().Add(down)})
	slices.SortStableFunc(dead, func(a, b rise) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return dead, nil
}

// raise starts those again whose time it is.
func (s *churnStep) raise(ctx context.Context, r *run, dead []rise, now time.Time) ([]rise, error) {
	var due []int
	for len(dead) > 0 && !dead[0].at.After(now) {
		due = append(due, dead[0].peer)
		dead = dead[1:]
	}
	if len(due) == 0 {
		return dead, nil
	}
	if err := r.fleet.Start(ctx, due...); err != nil {
		return dead, err
	}
	r.changed(due...)
	return dead, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
