// Package labtest gives Go tests a mesh of real peers to break: processes on this machine, containers, or the replicas
// of a compose project, each addressed by its number.
//
//	func TestMain(m *testing.M) {
//		labtest.Main() // the peers are this test binary in another role
//		os.Exit(m.Run())
//	}
//
//	func TestOrdersSurviveAPartition(t *testing.T) {
//		m := labtest.Start(t, 6)
//		m.WaitMeshed(10 * time.Second)
//		m.Partition([]int{1, 2, 3}, []int{4, 5, 6})
//		id := m.Say(1, "order 17")
//		m.Heal()
//		m.WaitHeard(id, 10*time.Second)
//	}
//
// A test that cannot go on is failed, with what happened in its log. All that was started ends with the test.
package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/local"
	"hearsay/lab/watch"
)

// TB is what is needed of a *testing.T or *testing.B.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Failed() bool
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Logf(format string, args ...any)
}

// Main makes this process play the part of a peer, if a test started it to do that. It stands first in TestMain.
func Main() {
	local.Main()
	docker.Main()
}

// Mesh is some peers, and what is known of them. Everything else that can be done to them is in Fleet, and everything
// else that is known in Watch.
type Mesh struct {
	Fleet fleet.Fleet
	Watch *watch.Watch

	t   TB
	log *eventLog
}

// On is the mesh for another test, such as a subtest: what fails then is that one.
func (m *Mesh) On(t TB) *Mesh { return &Mesh{Fleet: m.Fleet, Watch: m.Watch, t: t, log: m.log} }

// eventLog keeps the newest events.
type eventLog struct {
	mu   sync.Mutex
	list []fleet.Event
}

// maxEvents bounds what is kept for the log of a test that fails: the newest.
const maxEvents = 2000

// Option changes how peers are started.
type Option func(*docker.Config)

// Flag sets a flag of all peers: Flag("links", "4").
func Flag(name, value string) Option {
	return func(c *docker.Config) { c.Flags[name] = value }
}

// Image sets the image of Containers.
func Image(name string) Option { return func(c *docker.Config) { c.Image = name } }

// Start starts n peers as processes on this machine's loopback.
func Start(t TB, n int, options ...Option) *Mesh {
	t.Helper()
	return begin(t, n, options, func(c docker.Config) (fleet.Fleet, error) {
		f, err := local.New(c.Config)
		if err != nil {
			return nil, err
		}
		return f, nil
	})
}

// Containers starts n peers as containers in a network of their own. Without a Docker engine the test is skipped, but
// in CI, where a test that never runs would look like one that passes, it fails.
func Containers(t TB, n int, options ...Option) *Mesh {
	t.Helper()
	return begin(t, n, options, func(c docker.Config) (fleet.Fleet, error) {
		c.Env = nil
		f, err := docker.New(t.Context(), c)
		if err != nil {
			return nil, err
		}
		return f, nil
	})
}

// Attach takes hold of the peers of a compose project that runs; an empty name is the only one. They go on after the
// test, whole again.
func Attach(t TB, project string) *Mesh {
	t.Helper()
	return begin(t, 0, nil, func(c docker.Config) (fleet.Fleet, error) {
		f, err := docker.Attach(t.Context(), docker.Config{Project: project})
		if err != nil {
			return nil, err
		}
		return f, nil
	})
}

func begin(t TB, n int, options []Option, engine func(docker.Config) (fleet.Fleet, error)) *Mesh {
	t.Helper()
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatalf("labtest: %v", err)
	}
	m := &Mesh{Watch: w, t: t, log: &eventLog{}}
	cancel := func() {}
	t.Cleanup(func() { m.close(); cancel() })
	c := docker.Config{Config: fleet.Config{
		Flags: map[string]string{}, Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + w.Endpoint(), "OTEL_BSP_SCHEDULE_DELAY=100"},
	}}
	for _, o := range options {
		o(&c)
	}
	f, err := engine(c)
	if errors.Is(err, fleet.ErrCannot) && os.Getenv("CI") == "" {
		t.Skipf("labtest: %v", err)
	}
	if err != nil {
		t.Fatalf("labtest: %v", err)
	}
	m.Fleet = f
	cancel = f.Watch(m.log.add)
	w.Follow(f)
	if n > 0 {
		if _, err := f.Add(t.Context(), n, fleet.Options{}); err != nil {
			t.Fatalf("labtest: %v", err)
		}
	}
	return m
}

func (m *Mesh) close() {
	if m.t.Failed() {
		for _, e := range m.Events() {
			m.t.Logf("%s", describe(e))
		}
	}
	if m.Fleet != nil {
		if err := m.Fleet.Close(); err != nil {
			m.t.Logf("labtest: %v", err)
		}
	}
	m.Watch.Close()
}

func (l *eventLog) add(e fleet.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == maxEvents {
		l.list = append(l.list[:0], l.list[maxEvents/4:]...)
	}
	l.list = append(l.list, e)
}

// Events are the newest things that happened, the oldest first.
func (m *Mesh) Events() []fleet.Event {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	return append([]fleet.Event(nil), m.log.list...)
}

func describe(e fleet.Event) string {
	s := fmt.Sprintf("%s %s", e.At.Format("15:04:05.000000"), e.Kind)
	if e.Peer > 0 {
		s += fmt.Sprintf(" peer %d", e.Peer)
	}
	if e.Far != "" {
		s += " far " + e.Far[:min(4, len(e.Far))]
	}
	if e.Reason != "" {
		s += " " + e.Reason
	}
	if e.Message != nil {
		s += fmt.Sprintf(" %q of %s", e.Message.Text, e.Message.Name)
	}
	return s
}

// within is Context with an end.
func (m *Mesh) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(m.t.Context(), d)
}
