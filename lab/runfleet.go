package main

import (
	"context"
	"log/slog"
	"os"
	"sync"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch/otlp"
)

// makeFleet makes the engine for a run, and whatever collects its spans. Call end when the run is over.
func (c *runCmd) makeFleet(ctx context.Context, j job) (f fleet.Fleet, spans func() []*tracepb.ResourceSpans, end func(), err error) {
	cfg := fleet.Config{Flags: j.scenario.Options}
	if c.Engine == "sim" {
		return simulatedRun(cfg, j.seed)
	}
	col, err := newCollector()
	if err != nil {
		return nil, nil, nil, err
	}
	cfg.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + col.receiver.Endpoint(), traceSoon}
	if c.Engine == "docker" {
		f, _, err = c.dockerFlags.makeFleet(ctx, cfg)
	} else {
		var l *local.Fleet
		if l, err = local.New(cfg); err == nil {
			f = l
		}
	}
	if err != nil {
		col.close()
		return nil, nil, nil, err
	}
	return f, col.spans, func() { f.Close(); col.close() }, nil
}

func simulatedRun(cfg fleet.Config, seed uint64) (fleet.Fleet, func() []*tracepb.ResourceSpans, func(), error) {
	c, err := simfleet.Config(cfg, seed)
	if err != nil {
		return nil, nil, nil, err
	}
	f := simfleet.New(c)
	spans := func() []*tracepb.ResourceSpans { all, _ := f.Spans(); return all }
	return f, spans, func() { f.Close() }, nil
}

// maxRunSpans bounds the spans that are kept of a run, some 200 MB. Those after it are passed on and not kept.
const maxRunSpans = 200_000

// collector keeps the spans that peers send during a run, and passes them on if somebody else collects too.
type collector struct {
	receiver *otlp.Receiver
	forward  *otlp.Forward

	mu   sync.Mutex
	kept []*tracepb.ResourceSpans
	n    int
}

func newCollector() (*collector, error) {
	c := &collector{}
	target, wanted, err := otlp.ReadTarget(os.Getenv)
	if err != nil {
		return nil, err
	}
	if wanted {
		if c.forward, err = otlp.NewForward(target, slog.New(slog.DiscardHandler)); err != nil {
			return nil, err
		}
	}
	c.receiver, err = otlp.Listen(otlp.Config{Spans: c.keep, Forward: c.forward})
	return c, err
}

func (c *collector) keep(from *otlp.Resource, spans []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n+len(spans) > maxRunSpans {
		return
	}
	c.n += len(spans)
	var attrs []*commonpb.KeyValue
	for _, kv := range [][2]string{{"service.name", from.Service}, {"service.instance.id", from.Instance}, {"hearsay.id", from.PeerID}} {
		attrs = append(attrs, otlp.String(kv[0], kv[1]))
	}
	c.kept = append(c.kept, &tracepb.ResourceSpans{
		Resource:   &resourcepb.Resource{Attributes: attrs},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	})
}

func (c *collector) spans() []*tracepb.ResourceSpans {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*tracepb.ResourceSpans(nil), c.kept...)
}

func (c *collector) close() {
	c.receiver.Close()
	if c.forward != nil {
		c.forward.Close()
	}
}
