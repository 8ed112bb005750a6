package integration_test

import (
	"testing"
	"time"
)

// Tracing watches and never steers: what takes the traces dies and comes back under traffic, first the
// collector, then Jaeger behind it, and the mesh does not notice.
//
//	1 ─ 2 ─ 3
//	│ ╳ │ ╳ │ ───► ╳ otel-collector ───► ╳ jaeger
//	4 ─ 5 ─ 6
func TestCollector(t *testing.T) {
	m := newMesh(t, Traced)
	m.grow(6)
	m.awaitMeshed(10 * time.Second)
	before := m.heals()
	m.chatter(60*time.Millisecond, m.peers...)

	for _, s := range []*service{m.tracing.collector, m.tracing.jaeger} {
		s.kill()
		long := 12 * time.Second // an exporter gives up in ten
		if s == m.tracing.jaeger {
			long = 5 * time.Second // it is the collector that must bear this
		}
		always(t, long, "the mesh stays as it is while "+s.name+" is down", func() error {
			st, err := m.statuses()
			if err != nil {
				return err
			}
			return connected(st)
		})
		m.saySome(5, "is anybody watching?")
		s.start()
	}
	m.stopChatter()
	m.awaitHeard(5 * time.Second)
	if after := m.heals(); after != before {
		t.Errorf("%d links were lost and replaced while the collector and Jaeger were down", after-before)
	}

	// What was said while nobody watched may have no trace. What is said now has one.
	j := m.tracing.query()
	m.saySome(1, "smile") // so that every peer is in Jaeger's list again, whose memory died with it
	services := m.services(j)
	s, err := m.peers[0].say("who told you?")
	must(t, "publish", err)
	m.awaitMessageTree(t, j, s, services, "")
	m.awaitHeard(5 * time.Second)
	t.Log(m.ledger.Check())
}

// heals is how often peers have replaced a link that was lost.
func (m *Mesh) heals() int {
	m.t.Helper()
	all, err := m.statuses()
	must(m.t, "statuses", err)
	n := 0
	for _, s := range all {
		n += s.Healed.Count
	}
	return n
}
