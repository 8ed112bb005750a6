package integration_test

import (
	"testing"
	"time"
)

// A new version is rolled out: each peer in turn is stopped and started, and nobody stops talking.
//
//	[1] 2  3  4  5  6   ─►   1 [2] 3  4  5  6   ─►  …  ─►   1  2  3  4  5 [6]
func TestRollingRestart(t *testing.T) {
	m := newMesh(t)
	peers := m.grow(6)
	m.awaitMeshed(10 * time.Second)
	m.chatter(60*time.Millisecond, peers...)
	for _, p := range peers {
		m.stop(p)
		m.start(p)
		m.chatter(60*time.Millisecond, p)
		m.awaitMeshed(healTime)
	}
	m.stopChatter()
	m.awaitHeard(healTime)
	t.Log(m.ledger.Check())
}

// docker compose up --scale peer=6, then 12, then 3, under traffic.
//
//	1 … 6   ─►   1 … 12   ─►   1 2 3
func TestScale(t *testing.T) {
	m := newMesh(t)
	six := m.grow(6)
	m.awaitMeshed(10 * time.Second)
	m.chatter(100*time.Millisecond, six...)

	more := m.grow(6)
	t.Logf("twelve are one mesh %v after the last answered", m.awaitMeshed(healTime))
	m.chatter(100*time.Millisecond, more...)
	m.saySome(3, "now we are twelve")

	m.stop(m.peers[3:]...)
	t.Logf("three are one mesh %v after nine were stopped", m.awaitMeshed(healTime))
	m.saySome(3, "and now three")
	m.stopChatter()
	m.awaitHeard(healTime)
	t.Log(m.ledger.Check())
}
