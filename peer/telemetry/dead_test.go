package telemetry

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
)

// nobody returns an address where nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// mute returns the address of a listener that accepts and never says a word.
func mute(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			conns = append(conns, c)
		}
		for _, c := range conns {
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// hop is what a busy peer tells most of.
var hop = plumtree.Event{
	Kind: plumtree.Processed, Start: at(20), End: at(23), Context: ids(4, 5), Parent: ids(4, 4), Link: ids(4, 3),
	Conn: 7, Origin: origin, Seq: 5, Size: 100, Hops: 2, Outcome: plumtree.Delivered, Reason: "eager", Links: 3,
}

func TestDeadCollectorCostsOnlyItsData(t *testing.T) {
	for name, addr := range map[string]func(*testing.T) string{"nobody listens": nobody, "nobody answers": mute} {
		t.Run(name, func(t *testing.T) {
			stdout := captureStdout(t)
			tel, log := begin(t, "http://"+addr(t))
			handler := slog.New(tel.LogHandler(slog.LevelInfo))

			// Far more than fits anywhere, so that everything behind the event loop stands still.
			const events = 50_000
			begun, worst := time.Now(), time.Duration(0)
			for i := range events {
				before := time.Now()
				tel.Broadcast(hop)
				tel.Overlay(overlay.Event{Kind: overlay.Healed, Start: at(0), End: at(1), Context: ids(2, 1), Outcome: "linked"})
				handler.Info("a line")
				worst = max(worst, time.Since(before))
				if i%1000 == 0 {
					time.Sleep(time.Millisecond) // lets the others run into the wall
				}
			}
			t.Logf("%d turns in %v, the worst took %v", events, time.Since(begun), worst)
			// A core may be taken away from us for a while, but not for as long as any export waits.
			if worst > retryFor/2 {
				t.Errorf("one turn took %v", worst)
			}
			if n := tel.events.dropped(); n == 0 {
				t.Error("nothing was dropped: where did it all go?")
			}

			const deadline = time.Second
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			begun = time.Now()
			err := tel.Shutdown(ctx)
			if took := time.Since(begun); took > deadline+500*time.Millisecond {
				t.Errorf("Shutdown took %v of %v", took, deadline)
			} else {
				t.Logf("Shutdown took %v: %v", took, err)
			}
			if err == nil {
				t.Error("Shutdown lost everything and says nothing")
			}
			if n := strings.Count(log.String(), "events are being lost"); n > 1 {
				t.Errorf("the overflow is logged %d times:\n%s", n, log)
			}
			if n := strings.Count(log.String(), "\n"); n > 4 {
				t.Errorf("more than one line for each signal:\n%s", log)
			}
			if said := stdout(); said != "" {
				t.Errorf("standard output is for messages, not for %q", said)
			}
		})
	}
}

func captureStdout(t *testing.T) func() string {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	t.Cleanup(func() { os.Stdout = old; w.Close(); r.Close() })
	return func() string {
		w.Close()
		said, _ := io.ReadAll(r)
		return string(said)
	}
}

func TestShutdownIsQuickWhenNothingWaits(t *testing.T) {
	t.Setenv("OTEL_METRICS_EXPORTER", "none") // they always have something to say
	tel, _ := begin(t, "http://"+nobody(t))
	begun := time.Now()
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

func TestShutdownSendsWhatWaits(t *testing.T) {
	c := collect(t, "127.0.0.1:0")
	tel, _ := begin(t, "http://"+c.addr)
	for range 1000 {
		tel.Broadcast(hop)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if n := c.count(); n != 1000 {
		t.Errorf("%d spans came, want 1000", n)
	}
	tel.Broadcast(hop) // too late, and harmless
}

func TestCollectorRestarts(t *testing.T) {
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	t.Setenv("OTEL_LOGS_EXPORTER", "none")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "500") // a failed export is given up sooner than by itself
	c := collect(t, "127.0.0.1:0")
	tel, log := begin(t, "http://"+c.addr)
	tel.Announced(AnnounceEvent{At: at(0), Context: ids(1, 1)})
	c.span(t, "announce")

	c.server.Stop()
	tel.Overlay(overlay.Event{Kind: overlay.Dialled, Start: at(0), End: at(1), Context: ids(1, 2)})
	// Long enough for the export to be given up, which is the harder case: it was not just slow.
	begun := time.Now()
	for !strings.Contains(log.String(), "traces are being lost") {
		if time.Since(begun) > 15*time.Second {
			t.Fatalf("the loss is not said:\n%s", log)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("given up after %v", time.Since(begun))

	// The next may be lost too, while the client waits before it dials again.
	again := collect(t, c.addr)
	begun = time.Now()
	again.until(t, "later span", func() bool {
		tel.Overlay(overlay.Event{Kind: overlay.Accepted, Start: at(0), End: at(1), Context: ids(1, 3)})
		return len(again.spans) > 0
	})
	t.Logf("back after %v", time.Since(begun))
	again.until(t, "word of it", func() bool { return strings.Contains(log.String(), "traces reach the collector again") })
}
