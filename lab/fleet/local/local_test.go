package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/cable"
	"hearsay/lab/quantity"
)

func TestMain(m *testing.M) {
	Main()
	if os.Getenv(asLab) != "" {
		beLab()
		return
	}
	dir, err := os.MkdirTemp("", "hearsay-local-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir) // where peers leave notes
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// asLab makes a lab of the test binary: it starts three peers, pauses one, names their processes and waits to be
// killed.
const asLab = "HEARSAY_TEST_AS_LAB"

func beLab() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	f, err := New(fleet.Config{})
	fail(err)
	_, err = f.Add(context.Background(), 3, fleet.Options{})
	fail(err)
	if f.Can(fleet.FaultPause) == nil && runtime.GOOS == "linux" {
		fail(f.Pause(context.Background(), 2))
	}
	var pids []int
	for _, p := range f.List {
		pids = append(pids, p.Run.cmd.Process.Pid)
	}
	json.NewEncoder(os.Stdout).Encode(pids)
	select {}
}

// mesh is a fleet under test, and all that it told.
type mesh struct {
	*Fleet
	t      *testing.T
	mu     sync.Mutex
	events []fleet.Event
	again  chan struct{}
}

func newMesh(t *testing.T, n int, flags map[string]string) *mesh {
	t.Helper()
	f, err := New(fleet.Config{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	m := &mesh{Fleet: f, t: t, again: make(chan struct{})}
	cancel := f.Watch(m.told)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		if t.Failed() {
			for _, e := range m.all() {
				t.Logf("%s %s peer %d run %d far %.4s %s %v", e.At.Format("05.000000"), e.Kind, e.Peer, e.Run, e.Far, e.Reason, e.Peers)
			}
		}
	})
	if n > 0 {
		if _, err := f.Add(t.Context(), n, fleet.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *mesh) told(e fleet.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
	close(m.again)
	m.again = make(chan struct{})
}

func (m *mesh) all() []fleet.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// until waits for events until ok, and returns how long that took.
func (m *mesh) until(limit time.Duration, what string, ok func([]fleet.Event) error) time.Duration {
	m.t.Helper()
	begun := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		m.mu.Lock()
		again, events := m.again, slices.Clone(m.events)
		m.mu.Unlock()
		err := ok(events)
		if err == nil {
			return time.Since(begun)
		}
		select {
		case <-again:
		case <-timer.C:
			m.t.Fatalf("not within %v: %s: %v", limit, what, err)
		}
	}
}

// meshed is nil if those who live and are not paused are one mesh, as the events tell: links agree at both ends, and
// everybody has two neighbors, if there are as many.
func (m *mesh) meshed(events []fleet.Event) error {
	var here []int
	for _, p := range m.Peers() {
		if p.Alive && !p.Paused {
			here = append(here, p.Number)
		}
	}
	return whole(events, m.Peers(), here)
}

func whole(events []fleet.Event, peers []fleet.Peer, here []int) error {
	number := map[string]int{}
	for _, p := range peers {
		number[p.ID] = p.Number
	}
	links := map[[2]int]bool{}
	for _, e := range events {
		if e.Peer == 0 || e.Run != peers[e.Peer-1].Run {
			continue
		}
		switch e.Kind {
		case fleet.LinkUp:
			links[[2]int{e.Peer, number[e.Far]}] = true
		case fleet.LinkDown:
			delete(links, [2]int{e.Peer, number[e.Far]})
		}
	}
	neighbors := map[int][]int{}
	for l := range links {
		if !slices.Contains(here, l[0]) {
			continue
		}
		if !links[[2]int{l[1], l[0]}] || !slices.Contains(here, l[1]) {
			return fmt.Errorf("peer-%d has a link to peer-%d, which has none", l[0], l[1])
		}
		neighbors[l[0]] = append(neighbors[l[0]], l[1])
	}
	reached := map[int]bool{}
	var walk func(int)
	walk = func(n int) {
		if !reached[n] {
			reached[n] = true
			for _, far := range neighbors[n] {
				walk(far)
			}
		}
	}
	walk(here[0])
	for _, n := range here {
		if len(neighbors[n]) < min(2, len(here)-1) || !reached[n] {
			return fmt.Errorf("peer-%d has %d neighbors, reached %v", n, len(neighbors[n]), reached[n])
		}
	}
	return nil
}

// say publishes at a peer, and returns the message's id.
func (m *mesh) say(peer int, text string) string {
	m.t.Helper()
	p, err := m.Publish(m.t.Context(), peer, []byte(text))
	if err != nil {
		m.t.Fatal(err)
	}
	return p.ID
}

// heard is nil once these peers, and no others, have said or delivered a message.
func heard(id string, by ...int) func([]fleet.Event) error {
	return func(events []fleet.Event) error {
		var got []int
		for _, e := range events {
			if e.Message != nil && e.Message.ID == id {
				got = append(got, e.Peer)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, by) {
			return fmt.Errorf("%s is at %v, want %v", id, got, by)
		}
		return nil
	}
}

func (m *mesh) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// wantError wants an error that says something.
func wantError(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want one that says %q", err, says)
	}
}

func TestSixFormTalkAndHeal(t *testing.T) {
	m := newMesh(t, 6, nil)
	ctx := t.Context()
	t.Logf("meshed after %v", m.until(10*time.Second, "a mesh of six", m.meshed))
	id := m.say(1, "hello")
	m.until(5*time.Second, "all have it", heard(id, 1, 2, 3, 4, 5, 6))

	victim := m.Peers()[3]
	m.must(m.Kill(ctx, 4))
	if p := m.Peers()[3]; p.Alive || p.ID != victim.ID {
		t.Errorf("killed: %+v", p)
	}
	m.Doing.Lock()
	if only := m.rules(1).Only; len(only) != 5 || slices.Contains(only, victim.Addr) {
		t.Errorf("the others may dial %v, where a stranger may be by now", only)
	}
	m.Doing.Unlock()
	t.Logf("healed after %v", m.until(10*time.Second, "the five others are a mesh", m.meshed))
	wantError(t, m.Kill(ctx, 4), "peer-4 has ended")
	_, err := m.Status(ctx, 4)
	wantError(t, err, "has ended")
	_, err = m.Publish(ctx, 7, nil)
	wantError(t, err, "no peer 7")

	m.must(m.Start(ctx, 4))
	if p := m.Peers()[3]; !p.Alive || p.Run != 2 || p.ID == victim.ID {
		t.Errorf("started again: %+v", p)
	}
	wantError(t, m.Start(ctx, 4), "runs already")
	m.until(10*time.Second, "six again", m.meshed)
	m.must(m.Stop(ctx, 2))
	added, err := m.Add(ctx, 2, fleet.Options{})
	m.must(err)
	if !slices.Equal(added, []int{7, 8}) {
		t.Errorf("added %v", added)
	}
	m.until(10*time.Second, "seven", m.meshed)
	id = m.say(8, "and again")
	m.until(5*time.Second, "all have it", heard(id, 1, 3, 4, 5, 6, 7, 8))
	s, err := m.Status(ctx, 8)
	m.must(err)
	if s.Name != "peer-8" || len(s.Links) < 2 || s.Messages.Published != 1 {
		t.Errorf("its status: %+v", s)
	}
	var how []string
	for _, e := range m.all() {
		if e.Kind == fleet.Ended || e.Kind == fleet.Faulted {
			how = append(how, fmt.Sprint(e.Kind, " ", e.Reason))
		}
	}
	want := []string{"fault kill 4", "ended kill", "fault start 4", "fault stop 2", "ended stop", "fault scale 8"}
	if !slices.Equal(how, want) {
		t.Errorf("told of %q, want %q", how, want)
	}
}

func TestPartitionCutsBothAndHeals(t *testing.T) {
	m := newMesh(t, 6, nil)
	ctx := t.Context()
	m.until(10*time.Second, "a mesh", m.meshed)
	m.must(m.Partition(ctx, []int{1, 2, 3}, []int{4, 5, 6}))
	near, far := m.say(1, "on this side"), m.say(4, "on that side")
	both := func(events []fleet.Event) error {
		if err := whole(events, m.Peers(), []int{1, 2, 3}); err != nil {
			return err
		}
		return whole(events, m.Peers(), []int{4, 5, 6})
	}
	m.until(20*time.Second, "each side is a mesh", both)
	m.must(heard(near, 1, 2, 3)(m.all()))
	m.must(heard(far, 4, 5, 6)(m.all()))
	// A newcomer is with the first group from its first word on.
	_, err := m.Add(ctx, 1, fleet.Options{})
	m.must(err)
	m.until(20*time.Second, "and so is the first with a newcomer", func(events []fleet.Event) error {
		return whole(events, m.Peers(), []int{1, 2, 3, 7})
	})
	m.must(m.Heal(ctx))
	t.Logf("healed after %v", m.until(20*time.Second, "one mesh", m.meshed))
	late := m.say(6, "together again")
	m.until(10*time.Second, "both sides have all", func(events []fleet.Event) error {
		// The newcomer is owed what was said since it began, and that alone.
		for _, e := range []error{heard(near, 1, 2, 3, 4, 5, 6)(events), heard(far, 1, 2, 3, 4, 5, 6)(events), heard(late, 1, 2, 3, 4, 5, 6, 7)(events)} {
			if e != nil {
				return e
			}
		}
		return nil
	})
}

// disobedient has nobody obey.
type disobedient struct{ *Fleet }

func (disobedient) Obey(context.Context) error { return nil }

// The proof of a cut can fail: where rules are not obeyed, it says who still hears whom.
func TestProofFindsACutThatIsNone(t *testing.T) {
	m := newMesh(t, 3, nil)
	m.until(10*time.Second, "a mesh", m.meshed)
	var n cable.Network
	n.Init(disobedient{m.Fleet}, false)
	err := n.Partition(t.Context(), []int{1, 2}, []int{3})
	wantError(t, err, "peer-3 still hears peer-1 by multicast")
	wantError(t, err, "still reaches peer-3 by TCP")
	if n.Cuts() {
		t.Error("a cut that failed is still in force")
	}
	if err := n.Heal(t.Context()); err != nil {
		t.Errorf("nothing is cut: %v", err)
	}
}

func TestIsolatePauseDelayAndLoss(t *testing.T) {
	m := newMesh(t, 5, nil)
	ctx := t.Context()
	m.until(10*time.Second, "a mesh", m.meshed)
	m.must(m.Isolate(ctx, 2))
	m.until(20*time.Second, "four without the second", func(events []fleet.Event) error {
		return whole(events, m.Peers(), []int{1, 3, 4, 5})
	})
	m.must(m.Heal(ctx))
	m.until(20*time.Second, "five again", m.meshed)

	if err := m.Can(fleet.FaultPause); err == nil {
		m.must(m.Pause(ctx, 5))
		wantError(t, m.Pause(ctx, 5), "paused already")
		wantError(t, m.Stop(ctx, 5), "resume it first")
		_, err := m.Publish(ctx, 5, []byte("x"))
		wantError(t, err, "peer-5 is paused")
		m.until(20*time.Second, "four without the fifth", m.meshed)
		id := m.say(1, "while it sleeps")
		m.must(m.Resume(ctx, 5))
		wantError(t, m.Resume(ctx, 5), "not paused")
		m.until(20*time.Second, "five again", m.meshed)
		m.until(20*time.Second, "it has caught up", heard(id, 1, 2, 3, 4, 5))
	}

	d := quantity.Spread{Mean: 50 * time.Millisecond, By: 10 * time.Millisecond}
	m.must(m.Delay(ctx, d, 1))
	begun := time.Now()
	id := m.say(1, "late")
	m.until(10*time.Second, "all have it", heard(id, 1, 2, 3, 4, 5))
	if took := time.Since(begun); took < d.Mean-d.By {
		t.Errorf("a delay of %v, and it took %v", d.Mean, took)
	}
	m.must(m.Loss(ctx, 0.3, 1, 2))
	id = m.say(1, "through the noise")
	m.until(30*time.Second, "all have it", heard(id, 1, 2, 3, 4, 5))
	m.must(m.Heal(ctx))
	begun = time.Now()
	id = m.say(1, "quick")
	m.until(10*time.Second, "all have it", heard(id, 1, 2, 3, 4, 5))
}

func TestBadUse(t *testing.T) {
	m := newMesh(t, 0, nil)
	ctx := t.Context()
	_, err := m.Add(ctx, MaxPeers+1, fleet.Options{})
	wantError(t, err, "one machine takes")
	wantError(t, m.Partition(ctx, []int{1, 2}), "two groups")
	wantError(t, m.Partition(ctx, []int{1}, []int{2}), "no peer 1")
	wantError(t, m.Isolate(ctx, 1), "no peer 1")
	_, err = New(fleet.Config{Flags: map[string]string{"name": "x"}})
	wantError(t, err, "--name")

	bad := newMesh(t, 0, map[string]string{"links": "0"})
	_, err = bad.Add(ctx, 2, fleet.Options{})
	wantError(t, err, "--links (PEER_LINKS): 0 is not possible")
	if n := len(bad.Peers()); n != 0 {
		t.Errorf("%d places are left of peers that never began", n)
	}
	bad = newMesh(t, 0, map[string]string{"interface": "nosuch0"})
	_, err = bad.Add(ctx, 1, fleet.Options{})
	wantError(t, err, "nosuch0")

	m.must(m.Close())
	_, err = m.Add(ctx, 1, fleet.Options{})
	wantError(t, err, "closed")
}

// A peer that ends by itself is told of as a crash, and the others heal.
func TestCrash(t *testing.T) {
	m := newMesh(t, 3, nil)
	m.until(10*time.Second, "a mesh", m.meshed)
	m.List[1].Run.cmd.Process.Kill()
	m.until(10*time.Second, "a crash", func(events []fleet.Event) error {
		for _, e := range events {
			if e.Kind == fleet.Ended && e.Peer == 2 && e.Reason == "crash" {
				return nil
			}
		}
		return fmt.Errorf("none")
	})
	m.until(10*time.Second, "two are left", m.meshed)
}

func TestSiphoner(t *testing.T) {
	m := newMesh(t, 4, nil)
	m.until(10*time.Second, "a mesh", m.meshed)
	_, err := m.Add(context.Background(), 1, fleet.Options{Siphoner: true})
	m.must(err)
	m.until(20*time.Second, "it has a link", func(events []fleet.Event) error {
		for _, e := range events {
			if e.Kind == fleet.LinkUp && e.Peer == 5 {
				return nil
			}
		}
		return fmt.Errorf("none")
	})
	for _, e := range m.all() {
		if e.Kind == fleet.LinkUp && e.Peer == 5 && e.Reason == "in" {
			t.Error("somebody has dialled a siphoner")
		}
	}
}

// Whatever is done meanwhile, a paused peer holds nobody up, and goes on under the rules of then.
func TestManyFaultsWhileOneIsPaused(t *testing.T) {
	m := newMesh(t, 3, nil)
	if err := m.Can(fleet.FaultPause); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m.until(10*time.Second, "a mesh", m.meshed)
	m.must(m.Pause(ctx, 3))
	for range 800 { // more than fits into a pipe
		m.must(m.Delay(ctx, quantity.Spread{Mean: time.Millisecond}, 1))
	}
	m.must(m.Isolate(ctx, 3))
	m.must(m.Resume(ctx, 3))
	id := m.say(1, "not for the third")
	m.until(10*time.Second, "two have it", heard(id, 1, 2))
	m.must(m.Heal(ctx))
	m.until(20*time.Second, "all have it", heard(id, 1, 2, 3))
}
