package integration_test

import (
	"cmp"
	"slices"
	"testing"
	"time"
)

// healTime is what a test gives a mesh to be whole again, on a machine that does much else. How fast it is,
// TestMeasure says.
const healTime = 15 * time.Second

// Six peers talk all the time. First the root dies, then, when it is back, three at once:
//
//	1 ─ 2 ─ 3           ╳ ─ 2 ─ 3           ╳   2   ╳
//	│ ╳ │ ╳ │    ─►     │ ╳ │ ╳ │    ─►       ╱   ╲
//	4 ─ 5 ─ 6           4 ─ 5 ─ 6           4   ╳   6
func TestKill(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	m.awaitMeshed(10 * time.Second)
	m.chatter(60*time.Millisecond, m.peers...)

	root := m.byID()[0]
	m.kill(root)
	t.Logf("five are one mesh %v after the root was killed", m.awaitMeshed(healTime))
	m.start(root)
	t.Logf("it is back, and six are one mesh after %v", m.awaitMeshed(healTime))
	m.chatter(60*time.Millisecond, root)

	half := m.byID()[:3]
	m.kill(half...)
	t.Logf("three are one mesh %v after three were killed", m.awaitMeshed(healTime))
	m.saySome(3, "anybody there?")
	m.stopChatter()
	m.awaitHeard(healTime)
	t.Log(m.ledger.Check())
}

// Peers that are frozen say nothing, and their kernels go on as if all were well: the silent death. The rest is one mesh without
// them, and when they wake they catch up with all that they missed.
//
//	1 ─ 2 ─ 3           1   z   3           1 ─ 2 ─ 3
//	│ ╳ │ ╳ │    ─►     │ ╱   ╲ │    ─►     │ ╳ │ ╳ │
//	4 ─ 5 ─ 6           4 ─ 5 ─ 6           4 ─ 5 ─ 6
func TestPause(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	m.awaitMeshed(10 * time.Second)
	for n := 1; n <= 3; n += 2 {
		frozen := m.byID()[:n] // the root among them
		m.pause(frozen...)
		m.chatter(60*time.Millisecond, m.up()...)
		t.Logf("%d are one mesh %v after %d were paused", 6-n, m.awaitMeshed(healTime), n)
		m.saySome(3, "while they sleep")
		m.stopChatter()
		m.unpause(frozen...)
		t.Logf("six are one mesh %v after they woke", m.awaitMeshed(healTime))
		t.Logf("and have caught up %v later", m.awaitHeard(healTime))
	}
	t.Log(m.ledger.Check())
}

// byID returns the peers that can be asked, the lowest id first: the root.
func (m *Mesh) byID() []*Peer {
	up := slices.Clone(m.up())
	slices.SortFunc(up, func(a, b *Peer) int { return cmp.Compare(a.peerID(), b.peerID()) })
	return up
}
