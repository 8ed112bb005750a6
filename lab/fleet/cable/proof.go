package cable

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

const (
	// AnswerWithin is how long a peer may take to answer what it knows.
	AnswerWithin = 5 * time.Second
	// hearWithin is how long a probe may take where cores are busy. It takes a millisecond.
	hearWithin = 2 * time.Second
	// dialWithin is how long a dial into a cut is tried. One that is not cut takes a fraction of a millisecond.
	dialWithin = 100 * time.Millisecond
	// maxProvers is how many peers send probes; with more, some of each group do. All listen.
	maxProvers = 64
)

// prove shows that what should pass does, and what should not does not: each of the provers sends one datagram to a
// group, and everybody says whom he heard; and each tries to dial one from whom he is cut off.
func (n *Network) prove(ctx context.Context) error {
	all, err := n.engine.Members()
	if err != nil {
		return err
	}
	var errs []error
	if !n.deaf {
		errs = append(errs, n.proveGroup(ctx, all))
	}
	errs = append(errs, Each(all, len(all), func(m Member) error { return n.proveDial(ctx, m, all) }))
	return errors.Join(errs...)
}

func (n *Network) proveGroup(ctx context.Context, all []Member) error {
	provers := n.provers(all)
	n.probes++
	token, fence := "probe-"+strconv.Itoa(n.probes), "fence-"+strconv.Itoa(n.probes)
	if err := Each(provers, len(provers), func(m Member) error { return m.probe(ctx, token) }); err != nil {
		return err
	}
	// All are sent by now, so they stand in every socket before what is sent next: who has heard his own second
	// word has heard all he will.
	return Each(all, len(all), func(m Member) error {
		var should []Member
		for _, other := range provers {
			if other.Number != m.Number && !n.Apart(m.Number, other.Number) {
				should = append(should, other)
			}
		}
		if !n.isolated[m.Number] {
			if err := m.probe(ctx, fence); err != nil {
				return err
			}
			if _, err := n.hears(ctx, m, fence, []Member{m}); err != nil {
				return err
			}
		}
		heard, err := n.hears(ctx, m, token, should)
		if err != nil {
			return err
		}
		for _, other := range all {
			if n.Apart(m.Number, other.Number) && slices.Contains(heard, other.Addr) {
				return fmt.Errorf("%s still hears %s by multicast", m.Name, other.Name)
			}
		}
		return nil
	})
}

// provers are all, or if they are many, as many of each group as there is room for.
func (n *Network) provers(all []Member) (some []Member) {
	share := max(1, maxProvers/max(1, len(n.groups)))
	count := map[int]int{}
	for _, m := range all {
		g := n.group(m.Number)
		if count[g]++; len(all) <= maxProvers || count[g] <= share {
			some = append(some, m)
		}
	}
	return some
}

// probe sends one datagram to the group. One who has died meanwhile need not.
func (m Member) probe(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	if _, err := m.Hold.Do(ctx, hook.Request{Do: hook.DoProbe, Token: token}); err != nil && !errors.Is(err, hold.ErrGone) {
		return fmt.Errorf("%s cannot send a probe: %w", m.Name, err)
	}
	return nil
}

// hears returns who was heard with a token, and an error if somebody was not who should have been and lives.
func (n *Network) hears(ctx context.Context, m Member, token string, should []Member) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	var from []string
	for _, other := range should {
		from = append(from, other.Addr)
	}
	reply, err := m.Hold.Do(ctx, hook.Request{Do: hook.DoHeard, Token: token, From: from, Patience: hearWithin})
	if errors.Is(err, hold.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not say whom it hears: %w", m.Name, err)
	}
	for _, other := range should {
		if !slices.Contains(reply.Heard, other.Addr) && n.engine.Live([]int{other.Number}) == nil {
			return nil, fmt.Errorf("%s does not hear %s by multicast, though nothing cuts them apart", m.Name, other.Name)
		}
	}
	return reply.Heard, nil
}

// proveDial has a peer dial one from whom it is cut off: if that succeeds, TCP passes.
func (n *Network) proveDial(ctx context.Context, m Member, all []Member) error {
	var apart []Member
	for _, other := range all {
		if n.Apart(m.Number, other.Number) {
			apart = append(apart, other)
		}
	}
	if len(apart) == 0 {
		return nil
	}
	other := apart[rand.IntN(len(apart))]
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	if _, err := m.Hold.Do(ctx, hook.Request{Do: hook.DoDial, Addr: other.Addr, Patience: dialWithin}); err == nil {
		return fmt.Errorf("%s still reaches %s by TCP", m.Name, other.Name)
	}
	return nil
}
