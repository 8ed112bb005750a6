package labtest

import (
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

// Peers are all peers, those that have ended too.
func (m *Mesh) Peers() []fleet.Peer { return m.Fleet.Peers() }

// WaitMeshed waits until those who live are one mesh, or as many as the network is cut into: the links agree at both
// ends, and everybody has two neighbors or more, if there are as many. It returns how long that took.
func (m *Mesh) WaitMeshed(within time.Duration) time.Duration {
	m.t.Helper()
	ctx, cancel := m.within(within)
	defer cancel()
	begun := time.Now()
	var f watch.Figures
	err := m.Watch.Until(ctx, func(model *watch.Model) bool {
		f = model.Figures()
		return f.Meshed && f.Peers > 0
	})
	if err != nil {
		m.t.Fatalf("labtest: not meshed within %v: %s", within, f.Why)
	}
	return time.Since(begun)
}

// Say publishes a text at a peer, and returns the message's ID.
func (m *Mesh) Say(peer int, text string) (id string) {
	m.t.Helper()
	p, err := m.Fleet.Publish(m.t.Context(), peer, []byte(text))
	m.must("say", err)
	return p.ID
}

// WaitHeard waits until everybody has a message who is owed it: who lives, and has since before it was said. Who
// is paused or cut off is owed it all the same. It returns how long that took.
func (m *Mesh) WaitHeard(id string, within time.Duration) time.Duration {
	m.t.Helper()
	ctx, cancel := m.within(within)
	defer cancel()
	begun := time.Now()
	var a *watch.Account
	err := m.Watch.Until(ctx, func(model *watch.Model) bool {
		a, _ = model.Account(id)
		return a != nil && a.Heard == a.Owed
	})
	if err != nil {
		m.t.Fatalf("labtest: not everywhere within %v: %s", within, missed(a))
	}
	return time.Since(begun)
}

// Heard are the peers that have a message by now, its publisher among them.
func (m *Mesh) Heard(id string) []int {
	m.t.Helper()
	a, err := m.Watch.Explain(id)
	m.must("explain "+id, err)
	var list []int
	for _, p := range m.Peers() {
		for _, t := range a.Tree {
			if t.Peer == p.Number {
				list = append(list, p.Number)
				break
			}
		}
	}
	return list
}

func missed(a *watch.Account) string {
	if a == nil {
		return "nothing is known of such a message"
	}
	var who []string
	for _, x := range a.Missing {
		who = append(who, x.Name+" ("+x.Why+")")
	}
	return "missed by " + strings.Join(who, ", ")
}
