package main

import (
	"context"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/scenario"
)

// makeFleet makes the engine for a run, and whatever collects its spans. Call end when the run is over.
func (c *runCmd) makeFleet(ctx context.Context, j job) (f fleet.Fleet, spans func() ([]*tracepb.ResourceSpans, int), end func(), err error) {
	cfg := fleet.Config{Flags: j.scenario.Options}
	if c.Engine == "sim" {
		return simulatedRun(cfg, j.seed)
	}
	col, err := scenario.NewCollector()
	if err != nil {
		return nil, nil, nil, err
	}
	cfg.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + col.Endpoint(), traceSoon}
	if c.Engine == "docker" {
		f, _, err = c.dockerFlags.makeFleet(ctx, cfg)
	} else {
		var l *local.Fleet
		if l, err = local.New(cfg); err == nil {
			f = l
		}
	}
	if err != nil {
		col.Close()
		return nil, nil, nil, err
	}
	return f, col.Spans, func() { f.Close(); col.Close() }, nil
}

func simulatedRun(cfg fleet.Config, seed uint64) (fleet.Fleet, func() ([]*tracepb.ResourceSpans, int), func(), error) {
	c, err := simfleet.Config(cfg, seed)
	if err != nil {
		return nil, nil, nil, err
	}
	f := simfleet.New(c)
	return f, f.Spans, func() { f.Close() }, nil
}
