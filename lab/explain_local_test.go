package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/watch"
)

// TestExplainAgreesWithThePeers has a thousand messages said by processes of which some are killed and started again,
// and compares what the lab explains of each with what the peers say of themselves.
func TestExplainAgreesWithThePeers(t *testing.T) {
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, err := local.New(fleet.Config{Env: tracing(w)})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w.Follow(f)
	const peers, messages = 6, 1000
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := f.Add(ctx, peers, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	until := func(what string, ok func(*watch.Model) bool) {
		t.Helper()
		if err := w.Until(ctx, ok); err != nil {
			t.Fatalf("not %s: %v: %+v", what, err, w.Figures())
		}
	}
	until("meshed", func(m *watch.Model) bool { f := m.Figures(); return f.Meshed && f.Peers == peers })

	said := map[string]int{} // by whom
	for i := range messages {
		victim := 1 + i/100%peers
		switch i % 100 {
		case 20:
			if err := f.Kill(ctx, victim); err != nil {
				t.Fatal(err)
			}
		case 60:
			if err := f.Start(ctx, victim); err != nil {
				t.Fatal(err)
			}
		}
		from := 1 + (victim+i%(peers-1))%peers // anybody but the victim
		p, err := f.Publish(ctx, from, []byte(fmt.Sprint("message ", i)))
		if err != nil {
			t.Fatal(err)
		}
		said[p.ID] = from
	}
	until("heard by all", func(m *watch.Model) bool {
		f := m.Figures()
		return f.Meshed && f.Missing == f.Lost && f.Published == messages
	})

	believed := map[int]uint64{} // deliveries, by peer, of its present run
	began := map[int]time.Time{}
	for _, p := range f.Peers() {
		began[p.Number] = p.Started
	}
	for id := range said {
		a, err := w.Explain(id)
		if err != nil {
			t.Fatal(err)
		}
		if a.Heard == 0 {
			continue // it died with its publisher, who alone had it: nobody is owed that
		}
		for _, x := range a.Missing {
			t.Errorf("%s is missing at %s: %s", a.Text, x.Name, x.Why)
		}
		for _, told := range a.Tree[1:] {
			if a.Said.Add(time.Duration(told.AtMS * float64(time.Millisecond))).After(began[told.Peer]) {
				believed[told.Peer]++
			}
		}
	}
	for _, p := range f.Peers() {
		s, err := f.Status(ctx, p.Number)
		if err != nil {
			t.Fatal(err)
		}
		if s.Messages.Delivered != believed[p.Number] || s.Messages.Missing+s.Messages.Lost > 0 {
			t.Errorf("%s says that it has delivered %d and misses %d, and the lab explains %d", p.Name, s.Messages.Delivered, s.Messages.Missing+s.Messages.Lost, believed[p.Number])
		}
	}
}
