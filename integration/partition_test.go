package integration_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// A cable is pulled between two switches, and later plugged in again. Nothing passes meanwhile, neither TCP
// nor multicast, and both sides go on talking.
//
//	1   2   3         1 ─ 2 ─ 3
//	├─ mesh ┤   ─►    ┄┄┄┄┄┄┄┄┄   ─►  one mesh, in which everybody has heard everything
//	4   5   6         4 ─ 5 ─ 6
func TestPartition(t *testing.T) { partition(t, 6, meshed) }

// The same where multicast does not pass at all: no one hears the other side's announcements when the cable is back.
func TestPartitionByJoin(t *testing.T) { partition(t, 6, meshed, JoinOnly) }

// The same with no free slot anywhere: six peers of one link out and one in are a ring, and so is each
// side. Two full rings have no reason to look for anybody, and no slot for whom they find.
//
//	1 ─► 2 ─► 3         1 ─► 2 ─► 3 ─► 1
//	▲         ▼   ─►    ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄   ─►  one ring of six
//	6 ◄─ 5 ◄─ 4         4 ─► 5 ─► 6 ─► 4
func TestPartitionFull(t *testing.T) {
	partition(t, 6, full, JoinOnly, Env("PEER_LINKS", "1"), Env("PEER_SERVE", "1"))
}

// The same with twice the links: five peers of two links out and two in are full when each is linked to each.
func TestPartitionFullFives(t *testing.T) {
	partition(t, 10, full, JoinOnly, Env("PEER_LINKS", "2"), Env("PEER_SERVE", "2"))
}

// full says whether a mesh is healthy and no two of its peers could open one more link between them. All slots are
// taken then, or nearly: two peers that lack a link out, and two that lack one in, may be linked to each other already.
func full(statuses []Status, _ ...string) error {
	if err := meshed(statuses); err != nil {
		return err
	}
	for _, a := range statuses {
		for _, b := range statuses {
			linked := slices.ContainsFunc(a.Links, func(l Link) bool { return l.ID == b.ID })
			if a.ID != b.ID && !linked && a.Slots.Out < a.Slots.Links && b.Slots.In < b.Slots.Serve {
				return fmt.Errorf("%s has a free slot for %s", b.Name, a.Name)
			}
		}
	}
	return nil
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

// partition plays the story with n peers. While the cut lasts, each side must become whole by itself.
func partition(t *testing.T, n int, whole func([]Status, ...string) error, options ...Option) {
	t.Parallel() // most of it is waiting
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
				errs = append(errs, whole(s))
			}
		}
		return errors.Join(errs...)
	}
	t.Logf("each side is whole by itself %v after the cut", eventually(t, healTime, "each side is whole by itself", apart))
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
					if among(l.ID, near) != (i == 0) {
						return fmt.Errorf("%s has a link to %s across the cut", st.Name, l.Name)
					}
				}
			}
		}
		return nil
	})
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
}

// among says whether a peer is one of some.
func among(id string, peers []*Peer) bool {
	for _, p := range peers {
		if p.peerID() == id {
			return true
		}
	}
	return false
}
