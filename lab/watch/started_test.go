package watch

import (
	"testing"
	"time"

	"hearsay/lab/fleet"
)

// A fleet's list may tell of a run before its event does: it is one run all the same.
func TestARunThatTheListToldFirst(t *testing.T) {
	m := NewModel(Config{})
	now := time.Unix(1000, 0)
	m.Peers(now, []fleet.Peer{{Number: 1, Name: "peer-1", ID: "a", Run: 1, Alive: true, Started: now}})
	m.Event(fleet.Event{At: now, Kind: fleet.Started, Peer: 1, Run: 1, Far: "a"})
	if p, _ := m.Peer(1); p.Run != 1 || !p.Alive {
		t.Errorf("it is in run %d, alive %v; want run 1, alive", p.Run, p.Alive)
	}
	m.Event(fleet.Event{At: now, Kind: fleet.Started, Peer: 1})
	if p, _ := m.Peer(1); p.Run != 2 {
		t.Errorf("started again by an engine that does not count: run %d, want 2", p.Run)
	}
}
