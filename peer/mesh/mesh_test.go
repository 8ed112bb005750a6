package mesh

import (
	"fmt"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// talk has everybody publish once, and fails unless everybody else hears it once.
func (l *lan) talk(round int) {
	l.t.Helper()
	alive := 0
	for _, h := range l.peers {
		h.heard = nil
		if !h.stopped {
			alive++
		}
	}
	for i, h := range l.peers {
		if h.stopped {
			continue
		}
		if _, _, err := h.Publish(l.now, fmt.Appendf(nil, "%d of %d", round, i), wire.Context{}); err != nil {
			l.t.Fatal(err)
		}
		h.perform()
	}
	l.run(2 * time.Second)
	for i, h := range l.peers {
		if h.stopped {
			continue
		}
		seen := map[string]int{}
		for _, text := range h.heard {
			seen[text]++
		}
		if len(h.heard) != alive-1 || len(seen) != alive-1 {
			l.t.Fatalf("round %d: peer %d heard %d messages, %d of them different; want %d", round, i, len(h.heard), len(seen), alive-1)
		}
	}
}

func TestPeersMeshTalkAndHeal(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		l := newLAN(t, seed, 30)
		l.run(2 * time.Second)
		if n := l.parts(); n != 1 {
			t.Fatalf("seed %d: %d parts after two seconds", seed, n)
		}
		l.talk(1)
		for _, h := range l.peers[:15] {
			h.kill()
		}
		l.run(2 * time.Second)
		if n := l.parts(); n != 1 {
			t.Fatalf("seed %d: %d parts two seconds after half were killed", seed, n)
		}
		l.talk(2)
	}
}

func TestSameSeedSameRun(t *testing.T) {
	digest := func(seed uint64) uint64 {
		l := newLAN(t, seed, 20)
		l.run(time.Second)
		l.talk(1)
		l.peers[3].kill()
		l.run(30 * time.Second)
		return l.digest
	}
	first := digest(1)
	for range 3 {
		if again := digest(1); again != first {
			t.Fatalf("the same seed sent other bytes: %x, then %x", first, again)
		}
	}
	if digest(2) == first {
		t.Error("another seed sent the same bytes: the digest sees nothing")
	}
}

// A peer says at once that it is there; a mesh at rest is quiet, whatever its size, but for its root.
func TestAnnouncements(t *testing.T) {
	l := newLAN(t, 1, 100)
	l.run(50 * time.Millisecond)
	for i, h := range l.peers {
		if h.whys["start"] != 1 {
			t.Fatalf("peer %d has not announced itself after 50 ms: %v", i, h.whys)
		}
	}
	l.run(2 * time.Minute)
	before := l.multicast
	l.run(5 * time.Minute)
	if perSecond := float64(l.multicast-before) / 300; perSecond > 1 || perSecond < 0.4 {
		t.Errorf("%.2f announcements a second at rest; want the root's one in two seconds, and few others", perSecond)
	}
	beacons := 0
	for _, h := range l.peers {
		if h.IsRoot() {
			beacons = h.whys["beacon"]
		}
	}
	if beacons < 190 {
		t.Errorf("the root beaconed %d times in seven minutes", beacons)
	}
}

func TestGoodbye(t *testing.T) {
	l := newLAN(t, 1, 5)
	l.run(2 * time.Second)
	h := l.peers[2]
	h.Leave(l.now)
	h.perform()
	h.stopped = true
	l.run(100 * time.Millisecond)
	if h.whys["goodbye"] != 1 {
		t.Errorf("announced %v on leaving", h.whys)
	}
	for i, other := range l.peers {
		for _, k := range other.Status(l.now).Known {
			if k.ID == h.cfg.ID && !other.stopped {
				t.Errorf("peer %d still knows who has left", i)
			}
		}
	}
	l.talk(1)
}
