package labtest

import (
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
)

// must fails the test if something was not done.
func (m *Mesh) must(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("labtest: %s: %v", what, err)
	}
}

// Add starts n more peers, and returns their numbers.
func (m *Mesh) Add(n int) []int {
	m.t.Helper()
	added, err := m.Fleet.Add(m.t.Context(), n, fleet.Options{})
	m.must("add", err)
	return added
}

// Kill ends peers by SIGKILL.
func (m *Mesh) Kill(peers ...int) {
	m.t.Helper()
	m.must("kill", m.Fleet.Kill(m.t.Context(), peers...))
}

// Stop ends peers by SIGTERM, and waits until they are gone.
func (m *Mesh) Stop(peers ...int) {
	m.t.Helper()
	m.must("stop", m.Fleet.Stop(m.t.Context(), peers...))
}

// Restart starts peers again that have ended.
func (m *Mesh) Restart(peers ...int) {
	m.t.Helper()
	m.must("start", m.Fleet.Start(m.t.Context(), peers...))
}

// Pause freezes peers.
func (m *Mesh) Pause(peers ...int) {
	m.t.Helper()
	m.must("pause", m.Fleet.Pause(m.t.Context(), peers...))
}

// Resume lets paused peers go on.
func (m *Mesh) Resume(peers ...int) {
	m.t.Helper()
	m.must("resume", m.Fleet.Resume(m.t.Context(), peers...))
}

// Partition cuts TCP and multicast between groups. It returns once that is proved.
func (m *Mesh) Partition(groups ...[]int) {
	m.t.Helper()
	m.must("partition", m.Fleet.Partition(m.t.Context(), groups...))
}

// Isolate cuts peers off from everybody.
func (m *Mesh) Isolate(peers ...int) {
	m.t.Helper()
	m.must("isolate", m.Fleet.Isolate(m.t.Context(), peers...))
}

// Delay makes late what peers send, by a time and how much that varies.
func (m *Mesh) Delay(by, jitter time.Duration, peers ...int) {
	m.t.Helper()
	m.must("delay", m.Fleet.Delay(m.t.Context(), quantity.Spread{Mean: by, By: jitter}, peers...))
}

// Loss drops a share, from 0 to 1, of what peers send.
func (m *Mesh) Loss(share float64, peers ...int) {
	m.t.Helper()
	m.must("loss", m.Fleet.Loss(m.t.Context(), quantity.Share(share), peers...))
}

// Heal undoes Partition, Isolate, Delay and Loss.
func (m *Mesh) Heal() {
	m.t.Helper()
	m.must("heal", m.Fleet.Heal(m.t.Context()))
}
