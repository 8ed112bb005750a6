package integration_test

import (
	"context"
	"testing"
	"time"
)

// The first peer has nobody to talk to, and neither has the last. Both are in good health.
//
//	1   ─►   1 ─ 2 ─ 3   ─►   1  ╳  ╳   ─►   1 ─ 4
func TestAlone(t *testing.T) {
	m := newMesh(t)
	first := m.grow(1)[0]
	ready := func() error { return first.http().check(context.Background(), "/readyz") }
	t.Logf("alone and ready after %v", eventually(t, 15*time.Second, "the first peer is ready", ready))
	m.saySome(1, "is this thing on?")

	others := m.grow(2)
	m.awaitMeshed(10 * time.Second)
	m.saySome(1, "three of us")
	m.awaitHeard(5 * time.Second)

	m.kill(others...)
	eventually(t, healTime, "the last peer has no link", func() error {
		s, err := m.statuses()
		if err != nil {
			return err
		}
		return meshed(s)
	})
	eventually(t, 15*time.Second, "the last peer is ready", ready)
	m.saySome(1, "still here")

	m.grow(1)
	m.awaitMeshed(10 * time.Second)
	m.saySome(1, "welcome")
	m.awaitHeard(5 * time.Second)
}
