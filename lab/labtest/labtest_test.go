package labtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearsay/lab/labtest"
)

// failing is a test that says how it failed.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure is how a test failed that does something to a mesh.
func failure(t *testing.T, m *labtest.Mesh, do func(m *labtest.Mesh)) string {
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(m.On(f))
	}()
	<-done
	return f.said
}

// What cannot come true fails the test, and says why.
func TestFailureSaysWhy(t *testing.T) {
	m := labtest.Start(t, 3, labtest.Flag("links", "2"), labtest.Flag("serve", "2"))
	m.WaitMeshed(10 * time.Second)
	m.Isolate(3)
	id := m.Say(1, "nobody tells the third")
	said := failure(t, m, func(m *labtest.Mesh) { m.WaitHeard(id, 200*time.Millisecond) })
	if want := "missed by peer-3"; !strings.Contains(said, want) {
		t.Errorf("it says %q, want %q", said, want)
	}
	said = failure(t, m, func(m *labtest.Mesh) { m.Kill(9) })
	if !strings.Contains(said, "no peer 9") {
		t.Errorf("it says %q, want that there is no such peer", said)
	}
	m.Heal()
	m.WaitHeard(id, 20*time.Second)
	m.Stop(2)
	m.WaitMeshed(10 * time.Second)
	m.Restart(2)
	if added := m.Add(1); len(added) != 1 || added[0] != 4 {
		t.Errorf("added %v, want the fourth", added)
	}
	m.WaitMeshed(10 * time.Second)
	if len(m.Events()) == 0 {
		t.Error("nothing is kept for the log of a test that fails")
	}
}
