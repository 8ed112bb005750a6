package telemetry

import (
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

func TestRing(t *testing.T) {
	q := newQueue(true, 64)
	r := &ring[int]{slots: make([]int, 4)}
	var got [][3]int
	take := func() {
		got = nil
		r.take(func(before, e, after *int) {
			line := [3]int{0, *e, 0}
			if before != nil {
				line[0] = *before
			}
			if after != nil {
				line[2] = *after
			}
			got = append(got, line)
		})
	}
	for i := 1; i <= 6; i++ {
		r.put(&i, q)
	}
	take()
	want := [][3]int{{0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 0}}
	if len(got) != 4 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] {
		t.Errorf("four of six are kept, the oldest: got %v, want %v", got, want)
	}
	if n := r.dropped.Load(); n != 2 {
		t.Errorf("%d were dropped, want 2", n)
	}
	take()
	if len(got) != 0 {
		t.Errorf("nothing is left, but %v", got)
	}
	for i := range 3 {
		r.put(&i, q)
	}
	if take(); len(got) != 3 {
		t.Errorf("there is room again: got %v", got)
	}
	if r.slots[0] != 0 || r.slots[1] != 0 {
		t.Error("what was taken is still held")
	}
}

// The two ends run at the same time, under the race detector too.
func TestRingKeepsOrder(t *testing.T) {
	q := newQueue(true, 64)
	r := &ring[int]{slots: make([]int, 64)}
	const n = 100_000
	go func() {
		for i := 1; i <= n; i++ {
			r.put(&i, q)
		}
	}()
	last, taken := 0, uint64(0)
	for end := time.Now().Add(10 * time.Second); taken+r.dropped.Load() < n && time.Now().Before(end); {
		r.take(func(_, e, _ *int) {
			if *e <= last {
				t.Errorf("%d came after %d", *e, last)
			}
			last = *e
			taken++
		})
	}
	if taken+r.dropped.Load() != n {
		t.Errorf("%d taken and %d dropped, want %d together", taken, r.dropped.Load(), n)
	}
}

// What the event loop does for telemetry allocates nothing, on or off.
func TestCostsNothing(t *testing.T) {
	on := &Telemetry{traces: true, events: newQueue(true, 64), sampler: sampler{true, sdktrace.TraceIDRatioBased(0.5)}}
	unsampled := hop
	unsampled.Context.Sampled = false
	events := []plumtree.Event{hop}
	for name, f := range map[string]func(){
		"nil": func() {
			off := (*Telemetry)(nil)
			off.Broadcast(events...)
			off.Sample(wire.Context{}, wire.TraceID{1})
		},
		"off": func() {
			off := &Telemetry{}
			off.Broadcast(events...)
			off.Overlay(overlay.Event{})
			off.Announced(AnnounceEvent{})
		},
		"asking":            func() { on.Sample(wire.Context{}, wire.TraceID{1}); on.Sample(unsampled.Context, wire.TraceID{1}) },
		"a message":         func() { on.Broadcast(events...) },
		"one message":       func() { on.Broadcast(unsampled) },
		"overlay":           func() { on.Overlay(overlay.Event{Kind: overlay.Lost}) },
		"announced":         func() { on.Announced(AnnounceEvent{Context: unsampled.Context}) },
		"announced, sample": func() { on.Announced(AnnounceEvent{Context: hop.Context}) },
	} {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestOff(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+nobody(t))
	t.Setenv("OTEL_SDK_DISABLED", "true")
	for _, off := range []*Telemetry{nil, {}, Start(me, nil)} {
		if off.Enabled() || off.Sample(ids(1, 1), wire.TraceID{1}) || off.LogHandler(nil) != nil || off.Shutdown(t.Context()) != nil {
			t.Error("what is off does something")
		}
		off.Observe(nil)
	}
}
