package integration_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// A cable is pulled between two switches, and later plugged in again. Nothing passes meanwhile, neither TCP
// nor multicast, and both sides go on talking.
//
//	1   2   3         1 ─ 2 ─ 3
//	├─ mesh ┤   ─►    ┄┄┄┄┄┄┄┄┄   ─►  one mesh, in which everybody has heard everything
//	4   5   6         4 ─ 5 ─ 6
func TestPartition(t *testing.T) { partition(t, 6) }

// The same where multicast does not pass at all: no one hears the other side's announcements when the cable is back.
func TestPartitionByJoin(t *testing.T) { partition(t, 6, JoinOnly) }

// The same with no free slot anywhere: six peers of one link out and one in are a ring, and so is each
// side. Two full rings have no reason to look for anybody, and no slot for whom they find.
//
//	1 ─► 2 ─► 3         1 ─► 2 ─► 3 ─► 1
//	▲         ▼   ─►    ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄   ─►  one ring of six
//	6 ◄─ 5 ◄─ 4         4 ─► 5 ─► 6 ─► 4
func TestPartitionFull(t *testing.T) {
	full(t, partition(t, 6, JoinOnly, Env("PEER_LINKS", "1"), Env("PEER_SERVE", "1")))
}

// The same with twice the links: five peers of two links out and two in are full when each is linked to each. No
// link can be given up for a bridge without somebody losing a slot that he fills.
func TestPartitionFullFives(t *testing.T) {
	full(t, partition(t, 10, JoinOnly, Env("PEER_LINKS", "2"), Env("PEER_SERVE", "2")))
}

func full(t *testing.T, all []Status) {
	t.Helper()
	for _, s := range all {
		if s.Slots.Out != s.Slots.Links || s.Slots.In != s.Slots.Serve {
			t.Errorf("%s was not full during the cut: %+v", s.Name, s.Slots)
		}
	}
}

// partitionTime is how long the cable is out.
func partitionTime(t *testing.T) time.Duration {
	s := os.Getenv("HEARSAY_PARTITION")
	if s == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("HEARSAY_PARTITION is no duration, such as 20s: %v", err)
	}
	return d
}

// partition plays the story with n peers, and returns their statuses just before the cut was healed.
func partition(t *testing.T, n int, options ...Option) []Status {
	length := partitionTime(t)
	m := newMesh(t, options...)
	peers := m.grow(n)
	m.awaitMeshed(20 * time.Second)
	m.chatter(200*time.Millisecond, peers...)

	near, far := peers[:n/2], peers[n/2:]
	heal := m.partition(near, far)
	cut := time.Now()
	apart := func() error {
		var errs []error
		for _, side := range [][]*Peer{near, far} {
			s, err := statuses(side)
			errs = append(errs, err)
			if err == nil {
				errs = append(errs, meshed(s))
			}
		}
		return errors.Join(errs...)
	}
	t.Logf("each side is a mesh of its own %v after the cut", eventually(t, healTime, "each side is one mesh", apart))
	always(t, length-time.Since(cut), "the sides stay apart", func() error {
		for i, side := range [][]*Peer{near, far} {
			s, err := statuses(side)
			if err != nil {
				return err
			}
			if err := connected(s); err != nil {
				return err
			}
			for _, st := range s {
				for _, l := range st.Links {
					if m.side(l.ID, near) != (i == 0) {
						return fmt.Errorf("%s has a link to %s across the cut", st.Name, l.Name)
					}
				}
			}
		}
		return nil
	})
	before, err := m.statuses()
	must(t, "statuses", err)
	unheard := len(m.ledger.Check().Lost)
	if unheard == 0 {
		t.Error("nobody missed anything during the cut, so it was none")
	}

	healed := time.Now()
	heal()
	m.awaitMeshed(healTime)
	t.Logf("one mesh %v after the cut began to heal", time.Since(healed))
	m.stopChatter()
	m.awaitHeard(healTime)
	t.Logf("and %d deliveries that the cut had kept back made, all of it after %v", unheard, time.Since(healed))
	eventually(t, healTime, "all follow one root", func() error {
		s, err := m.statuses()
		if err != nil {
			return err
		}
		return oneRoot(s)
	})
	t.Log(m.ledger.Check())
	return before
}

// side says whether a peer is among some.
func (m *Mesh) side(id string, side []*Peer) bool {
	for _, p := range side {
		if p.peerID() == id {
			return true
		}
	}
	return false
}
