package integration_test

import (
	"fmt"
	"testing"
	"time"
)

// Six peers start at once on one bridge, told nothing of each other:
//
//	peer-1  peer-2  peer-3  peer-4  peer-5  peer-6
//	──┴───────┴───────┴───────┴───────┴───────┴──── multicast passes
func TestForms(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	t.Logf("one mesh %v after the last of six answered", m.awaitMeshed(10*time.Second))
	eventually(t, 10*time.Second, "all follow one root", func() error {
		s, err := m.statuses()
		if err != nil {
			return err
		}
		return oneRoot(s)
	})
	statuses, err := m.statuses()
	must(t, "statuses", err)
	for i, s := range statuses {
		if want := fmt.Sprintf("peer-%d", i+1); s.Name != want {
			t.Errorf("%s calls itself %s", want, s.Name)
		}
	}
	// Formed is one thing, and stable another: links may rotate, but nobody is lost in it.
	m.saySome(1, "hello")
	m.awaitHeard(5 * time.Second)
}

// The same by a DNS name that all of them share, as a service has in compose, and no multicast.
func TestFormsByJoin(t *testing.T) {
	m := newMesh(t, JoinOnly)
	m.grow(6)
	t.Logf("one mesh %v after the last of six answered", m.awaitMeshed(10*time.Second))
	m.saySome(1, "hello")
	m.awaitHeard(5 * time.Second)
}
