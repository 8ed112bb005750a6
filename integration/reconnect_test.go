package integration_test

import (
	"testing"
	"time"
)

// A peer loses its network card and gets another, as a laptop does that changes the room. Its sockets have
// joined a multicast group on an interface that is no longer there.
//
//	peer-1 … peer-5   peer-6
//	──┴────────┴──────  ╳        eth0 gone, later another with another address
func TestReconnect(t *testing.T) {
	m := newMesh(t)
	peers := m.grow(6)
	m.awaitMeshed(10 * time.Second)
	witness, traveller := peers[0], peers[5]

	m.disconnect(traveller, witness)
	m.chatter(100*time.Millisecond, peers[:5]...)
	for range 5 {
		must(t, "type", traveller.typeLine("said on the train"))
	}
	t.Logf("five are one mesh %v after the sixth was disconnected", m.awaitMeshed(healTime))
	m.connect(traveller)
	t.Logf("six are one mesh %v after it was connected again", m.awaitMeshed(healTime))
	m.stopChatter()
	m.awaitHeard(healTime)
	t.Log(m.ledger.Check())
}
