package watch_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch"
	"hearsay/lab/watch/live"
	"hearsay/lab/watch/otlp"
)

// lab is a simulated mesh that lives, and who watches it.
type lab struct {
	*testing.T
	*live.Fleet
	*watch.Watch
}

func start(t *testing.T, peers int) lab {
	t.Helper()
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	c, err := simfleet.Config(fleet.Config{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := live.New(c, w.Take)
	t.Cleanup(func() { f.Close() })
	w.Follow(f)
	if _, err := f.Add(t.Context(), peers, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	l := lab{t, f, w}
	l.until("meshed", func(s *watch.State) bool { return s.Figures.Meshed && len(s.Peers) == peers })
	return l
}

// until waits until the state is as wanted.
func (l lab) until(what string, ok func(*watch.State) bool) *watch.State {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 20*time.Second)
	defer cancel()
	var s *watch.State
	if err := l.Watch.Until(ctx, func(m *watch.Model) bool { s = m.State(); return ok(s) }); err != nil {
		b, _ := json.Marshal(s)
		l.Fatalf("not %s: %v\n%s", what, err, b)
	}
	return s
}

func (l lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// TestWatch follows a mesh that lives: a message is traced, a fault is a span that the heals link to, subscribers
// hear of it all, and it can be replayed.
func TestWatch(t *testing.T) {
	l := start(t, 6)
	began := l.State()
	p, err := l.Publish(t.Context(), 2, []byte("hello"))
	l.must(err)
	l.until("heard and traced", func(s *watch.State) bool {
		n := len(s.Messages)
		return n > 0 && s.Messages[n-1].Heard == 5 && s.Messages[n-1].Traced
	})
	a, err := l.Explain(p.ID)
	l.must(err)
	if a.Heard != 5 || a.Owed != 5 || len(a.Tree) != 6 || a.Tree[0].Peer != 2 || a.Trace == "" {
		t.Errorf("%+v", a)
	}
	id, err := otlp.ParseTraceID(a.Trace)
	l.must(err)
	if spans := l.Store().Trace(id); len(spans) < 6 || spans[0].Name != "publish mesh" {
		t.Errorf("the trace is %+v", spans)
	}
	l.must(l.Kill(t.Context(), 4))
	s := l.until("healed", func(s *watch.State) bool {
		f := s.Faults
		return len(f) > 0 && f[len(f)-1].Healed >= 0 && len(f[len(f)-1].Heals) > 0
	})
	f := s.Faults[len(s.Faults)-1]
	id, err = otlp.ParseTraceID(f.Trace)
	l.must(err)
	if spans := l.Store().Trace(id); len(spans) != 1 || spans[0].Name != "fault kill" || spans[0].Attrs["hearsay.what"] != "kill 4" {
		t.Errorf("the fault's span is %+v", spans)
	}
	heal := s.Heals[slices.IndexFunc(s.Heals, func(h watch.Heal) bool { return h.Number == f.Heals[0] })]
	id, err = otlp.ParseTraceID(heal.Trace)
	l.must(err)
	links := 0
	for _, span := range l.Store().Trace(id) {
		for _, link := range span.Links {
			if link.Trace == f.Trace && link.Attrs["hearsay.cause"] == "fault" {
				links++
			}
		}
	}
	if links != 1 {
		t.Errorf("%d spans of the heal's trace link to the fault", links)
	}
	l.subscriber(began.Seq)
	l.replays(began.At)
}

// subscriber reads what has changed, and finds the message, the death and the lost links in it.
func (l lab) subscriber(after uint64) {
	l.Helper()
	wanted := []string{`"text":"hello"`, `"ended":"kill"`, `"gone":[{`, `"kind":"kill"`, `"healed_ms"`}
	patience, enough := context.WithTimeout(l.Context(), 20*time.Second)
	defer enough()
	// Changes are gathered for a moment before they are told, so the last may be yet to come.
	var all strings.Builder
	for missing := wanted; len(missing) > 0; {
		list, ok, err := l.After(patience, after)
		if !ok || err != nil || len(list) == 0 {
			l.Fatalf("no change tells of %s: %v, %v, %v", missing, list, ok, err)
		}
		for _, c := range list {
			if after++; c.Seq != after {
				l.Errorf("after %d comes %d", after-1, c.Seq)
			}
			all.Write(c.JSON)
		}
		missing = slices.DeleteFunc(slices.Clone(wanted), func(s string) bool { return strings.Contains(all.String(), s) })
	}
	ctx, cancel := context.WithCancel(l.Context())
	cancel()
	if _, _, err := l.After(ctx, 1<<40); err != context.Canceled {
		l.Errorf("waiting for what is not there ends with %v", err)
	}
}

// replays goes back to before the peer was killed.
func (l lab) replays(to float64) {
	l.Helper()
	r := l.Replay(time.UnixMicro(int64(to*1000)), time.Minute)
	var s watch.State
	if err := json.Unmarshal(r.State, &s); err != nil || len(r.Batches) == 0 || r.Newest <= r.Oldest {
		l.Fatalf("%v, %+v", err, r)
	}
	alive := map[int]bool{}
	for _, p := range s.Peers {
		alive[p.Number] = p.Alive
	}
	sawAlive := alive[4]
	for _, raw := range r.Batches {
		var b watch.Batch
		l.must(json.Unmarshal(raw, &b))
		for _, p := range b.Peers {
			sawAlive = sawAlive || p.Number == 4 && p.Alive
			alive[p.Number] = p.Alive
		}
	}
	if !sawAlive || alive[4] || !alive[3] {
		l.Errorf("the replay ends with %v", alive)
	}
}

// TestNobody is watched in vain: everything answers, and ends.
func TestNobody(t *testing.T) {
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Explain("last"); err == nil || !strings.Contains(err.Error(), "lab send") {
		t.Error(err)
	}
	if s := w.State(); s.Peers == nil || s.Links == nil || s.Figures.Peers != 0 {
		t.Errorf("%+v", s)
	}
	if r := w.Replay(time.Now(), time.Minute); r.Batches == nil || r.State != nil {
		t.Errorf("%+v", r)
	}
	w.Close()
	_, err = watch.New(watch.Options{Getenv: func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}[name]
	}})
	if err == nil || !strings.Contains(err.Error(), "write it as http://host:4317") {
		t.Errorf("a wrong endpoint: %v", err)
	}
}
