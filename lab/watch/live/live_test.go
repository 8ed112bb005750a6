package live_test

import (
	"sync/atomic"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/sim"
	"hearsay/lab/watch/live"
)

// Whoever is told of something may ask who there is, or wait for somebody who does.
func TestWhoeverIsToldMayAsk(t *testing.T) {
	var f *live.Fleet
	var events, spans atomic.Int32
	made := make(chan struct{})
	f = live.New(sim.Config{Seed: 1}, func(*tracepb.ResourceSpans) {
		<-made
		f.Now()
		f.Peers()
		spans.Add(1)
	})
	close(made)
	defer f.Close()
	cancel := f.Watch(func(e fleet.Event) {
		f.Now()
		f.Peers()
		f.Status(t.Context(), 1)
		events.Add(1)
	})
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := f.Add(t.Context(), 6, fleet.Options{})
		if err == nil {
			_, err = f.Publish(t.Context(), 1, []byte("hello"))
		}
		if err == nil {
			err = f.Kill(t.Context(), 6)
		}
		done <- err
	}()
	for begun := time.Now(); ; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			done = nil
		case <-time.After(10 * time.Millisecond):
		}
		if done == nil && spans.Load() > 0 {
			break
		}
		if time.Since(begun) > 20*time.Second {
			go panic("it is stuck, with the fleet's lock held") // with the stacks of all; what is deferred here would wait too
			select {}
		}
	}
	if events.Load() == 0 {
		t.Error("nothing was told")
	}
}

// What was done is told when it returns, in its order, by however many it is done.
func TestToldInOrder(t *testing.T) {
	f := live.New(sim.Config{Seed: 1}, nil)
	defer f.Close()
	if _, err := f.Add(t.Context(), 8, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	var told [9]atomic.Int32 // runs of each that have begun, and as many that have ended
	var last atomic.Int64
	defer f.Watch(func(e fleet.Event) {
		if at := e.At.UnixNano(); at < last.Swap(at) {
			t.Errorf("%+v is told after what happened later", e)
		}
		switch e.Kind {
		case fleet.Started:
			told[e.Peer].Add(1)
		case fleet.Ended:
			told[e.Peer].Add(-1)
		}
	})()
	done := make(chan struct{})
	for n := 1; n <= 8; n++ {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 50 {
				f.Kill(t.Context(), n)
				if got := told[n].Load(); got != -1 {
					t.Errorf("peer %d was killed, and what is told comes to %d", n, got)
				}
				f.Start(t.Context(), n)
				if got := told[n].Load(); got != 0 {
					t.Errorf("peer %d was started, and what is told comes to %d", n, got)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
}
