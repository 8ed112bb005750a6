package control_test

import (
	"strings"
	"testing"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/sim"
	"hearsay/lab/watch"
	"hearsay/lab/watch/live"
)

// curious is a fleet whose every answer about its peers needs the watch: whoever asks it with the watch's lock held waits
// for ever.
type curious struct {
	*live.Fleet
	watch *watch.Watch
}

func (c curious) Peers() []fleet.Peer {
	c.watch.Parts()
	return c.Fleet.Peers()
}

func (c curious) Now() time.Time {
	c.watch.Parts()
	return c.Fleet.Now()
}

// startLive is a lab of simulated peers.
func startLive(t *testing.T, n int) *lab {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	f := curious{live.New(sim.Config{Seed: 1}, w.Take), w}
	t.Cleanup(func() { f.Close() })
	w.Follow(f)
	l := &lab{}
	if l.Server, err = control.New(control.Config{Fleet: f, Watch: w}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Add(t.Context(), n, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	l.Serve()
	t.Cleanup(l.Close)
	if l.Client, err = control.Dial(""); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) fault(t *testing.T, q control.FaultRequest) (*control.Outcome, error) {
	t.Helper()
	q.Wait = true
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-done:
		case <-time.After(time.Minute):
			panic("the lab is stuck") // with the stacks of all
		}
	}()
	return l.Client.Fault(t.Context(), q)
}

// Whoever waits for the mesh to get over a fault asks nobody who may wait for the watch.
func TestNobodyWaitsForEachOther(t *testing.T) {
	l := startLive(t, 3)
	o, err := l.fault(t, control.FaultRequest{Fault: "scale", Count: 20})
	want(t, o, err, "20 peers: peer-4, ", "everywhere after", "whole after")
	if st, err := l.Client.Status(t.Context()); err != nil || !st.Figures.Meshed || len(st.Parts) != 1 || len(st.Peers) != 20 {
		t.Errorf("whole, but %+v, %v", st, err)
	}
	o, err = l.fault(t, control.FaultRequest{Fault: "kill", Peers: "half"})
	want(t, o, err, "killed.", "flowed again after")
	if o.Neighbors > 10 {
		t.Errorf("ten live, and %d noticed: %s", o.Neighbors, o.Text)
	}
	o, err = l.fault(t, control.FaultRequest{Fault: "heal"})
	want(t, o, err, "the mesh was whole already")
}

func TestKillAll(t *testing.T) {
	l := startLive(t, 4)
	begun := time.Now()
	o, err := l.fault(t, control.FaultRequest{Fault: "kill", Peers: "all"})
	want(t, o, err, "killed. Nobody runs any more.")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if o.Neighbors != 0 || strings.Contains(o.Text, "noticed") {
		t.Errorf("nobody was left to notice: %+v", o)
	}
	if st, err := l.Client.Status(t.Context()); err != nil || st.Figures.Meshed || st.Figures.Why != "nobody runs" {
		t.Errorf("all are dead: %+v, %v", st, err)
	}
	o, err = l.fault(t, control.FaultRequest{Fault: "start", Peers: "dead"})
	want(t, o, err, "started.", "whole after")
}
