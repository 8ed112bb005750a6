package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"hearsay/peer/overlay"
	"hearsay/peer/wire"
)

// points are the values of a metric that counts, by the values of its attributes.
func points(m *metricspb.Metric) map[string]int {
	p := map[string]int{}
	for _, d := range m.GetSum().GetDataPoints() {
		labels := ""
		for _, kv := range d.Attributes {
			labels += "/" + fmt.Sprint(values(d.Attributes)[kv.Key])
		}
		p[labels] = int(d.GetAsInt())
	}
	return p
}

func TestMetrics(t *testing.T) {
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
	c := collect(t, "127.0.0.1:0")
	tel, _ := begin(t, "http://"+c.addr)
	tel.Observe(func(context.Context) (Snapshot, error) {
		return Snapshot{
			LinksOut: 3, LinksIn: 2, Known: 7, Published: 10, Delivered: 20, Duplicates: 5, Relayed: 30, Lost: 1,
			Dropped: map[string]uint64{"old": 4, "hold-full": 2}, RetainedMessages: 30, RetainedBytes: 3000,
			Grafts: 1, Prunes: 2, Announced: 8, Heard: 9,
			Refused: map[wire.Reason]uint64{wire.ReasonFull: 6}, ClosedTheirs: map[wire.Reason]uint64{wire.ReasonEOF: 1},
			Limits: map[string]uint64{"passive": 3},
		}, nil
	})
	tel.Overlay(overlay.Event{Kind: overlay.Healed, Start: at(0), End: at(1500), Outcome: "linked"}) // though unsampled
	tel.Overlay(overlay.Event{Kind: overlay.Healed, Start: at(0), End: at(9000), Outcome: "alone"})  // though no healing
	tel.Broadcast(hop)
	for name, want := range map[string]map[string]int{
		"hearsay.links":                  {"/out": 3, "/in": 2},
		"hearsay.peers.known":            {"": 7},
		"hearsay.messages.published":     {"": 10},
		"hearsay.messages.delivered":     {"": 20},
		"hearsay.messages.duplicates":    {"": 5},
		"hearsay.messages.relayed":       {"": 30},
		"hearsay.messages.lost":          {"": 1},
		"hearsay.messages.dropped":       {"/old": 4, "/hold-full": 2},
		"hearsay.retained.messages":      {"": 30},
		"hearsay.retained.size":          {"": 3000},
		"hearsay.grafts":                 {"": 1},
		"hearsay.prunes":                 {"": 2},
		"hearsay.announcements.sent":     {"": 8},
		"hearsay.announcements.received": {"": 9},
		"hearsay.handshakes.refused":     {"/full/ours": 6},
		"hearsay.links.closed":           {"/eof/theirs": 1},
		"hearsay.limits.met":             {"/passive": 3},
		"hearsay.telemetry.dropped":      {"/events": 0},
	} {
		c.until(t, name, func() bool { return c.metrics[name] != nil })
		c.mu.Lock()
		if got := points(c.metrics[name]); !maps.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
		c.mu.Unlock()
	}
	for name, want := range map[string]float64{"hearsay.heal.duration": 1.5, "messaging.process.duration": 0.003} {
		c.until(t, name, func() bool {
			d := c.metrics[name].GetHistogram().GetDataPoints()
			return len(d) == 1 && d[0].Count == 1 && *d[0].Sum == want
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := values(c.resource.Attributes)["service.instance.id"]; got != "peer-3-9f2c" {
		t.Errorf("metrics come from %v", got)
	}
}

// An event loop that does not answer costs the counters, and no goroutine.
func TestSnapshotThatDoesNotCome(t *testing.T) {
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
	c := collect(t, "127.0.0.1:0")
	tel, _ := begin(t, "http://"+c.addr)
	asked := make(chan struct{}, 1)
	tel.Observe(func(ctx context.Context) (Snapshot, error) {
		signal(asked)
		<-ctx.Done()
		return Snapshot{}, ctx.Err()
	})
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	tel.Shutdown(ctx)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("Shutdown took %v", took)
	}
}

// What does not fit is counted, and the count is told even where the spans cannot be.
func TestOverflowIsCounted(t *testing.T) {
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
	c := collect(t, "127.0.0.1:0")
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://"+c.addr)
	tel, _ := begin(t, "http://"+mute(t))
	tel.Observe(func(context.Context) (Snapshot, error) { return Snapshot{}, errors.New("not now") })
	for range 1000 {
		tel.Broadcast(hop)
	}
	c.until(t, "word of the drops", func() bool {
		m := c.metrics["hearsay.telemetry.dropped"]
		return m != nil && points(m)["/events"] > 0
	})
	if n := tel.events.dropped(); n > 900 {
		t.Errorf("%d of 1000 were dropped, though there was room for 100", n)
	}
}
