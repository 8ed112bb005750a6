package browser

import (
	"context"
	"sync"
	"testing"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch"
	"hearsay/lab/watch/live"
	"hearsay/lab/web"
)

// lab is a whole one in this process: peers, simulated ones that live unless said, who watches them, and the page.
type lab struct {
	t      *testing.T
	fleet  fleet.Fleet
	watch  *watch.Watch
	server *control.Server
	once   sync.Once
}

// start starts a lab on that port of 127.0.0.1; 0 is any that is free.
func start(t *testing.T, port, peers int) *lab {
	t.Helper()
	w, f := simulated(t)
	return startWith(t, port, peers, w, f)
}

// simulated are peers that live, and who watches them.
func simulated(t *testing.T) (*watch.Watch, *live.Fleet) {
	t.Helper()
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := simfleet.Config(fleet.Config{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w, live.New(c, w.Take)
}

func startWith(t *testing.T, port, peers int, w *watch.Watch, f fleet.Fleet) *lab {
	t.Helper()
	can := func(fault string) error { return f.Can(fleet.Fault(fault)) }
	return serve(t, peers, control.Config{Fleet: f, Watch: w, Port: port, Name: "test"}, web.Config{Can: can})
}

// serve starts a lab whose page is as said, but for what it has from the lab.
func serve(t *testing.T, peers int, of control.Config, page web.Config) *lab {
	t.Helper()
	w, f := of.Watch, of.Fleet
	w.Follow(f)
	s, err := control.New(of)
	if err != nil {
		t.Fatal(err)
	}
	page.Watch, page.Name, page.Engine = w, of.Name, f.Engine()
	if !of.ReadOnly {
		page.Token = s.Token()
	}
	web.Routes(s.Mux(), page)
	if _, err := f.Add(t.Context(), peers, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	l := &lab{t: t, fleet: f, watch: w, server: s}
	t.Cleanup(l.stop)
	return l
}

// stop ends it, if it has not ended yet.
func (l *lab) stop() {
	l.once.Do(func() {
		l.server.Close()
		l.fleet.Close()
		l.watch.Close()
	})
}

// until waits until the lab itself knows something.
func (l *lab) until(what string, ok func(*watch.State) bool) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	if err := l.watch.Until(ctx, func(m *watch.Model) bool { return ok(m.State()) }); err != nil {
		l.t.Fatalf("not %s: %v", what, err)
	}
}

func (l *lab) meshed() {
	l.t.Helper()
	l.until("meshed", func(s *watch.State) bool { return s.Figures.Meshed && s.Figures.Peers > 1 })
}

// warm has everybody speak, so that the tree has formed.
func (l *lab) warm() {
	l.t.Helper()
	l.meshed()
	for i := range 6 {
		l.say(1+i, "warming up")
		time.Sleep(200 * time.Millisecond)
	}
}

func (l *lab) say(from int, text string) {
	l.t.Helper()
	if _, err := l.fleet.Publish(l.t.Context(), from, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
}
