package main

import (
	"context"
	"fmt"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/local"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/scenario"
)

// engine is what one run needs, and how to end it.
type engine struct {
	fleet fleet.Fleet
	spans func() ([]*tracepb.ResourceSpans, int) // nil: nobody collects any
	ends  []func()
}

// end ends the peers first, and then what they talk to.
func (e *engine) end() {
	for _, f := range e.ends {
		f()
	}
}

// makeEngine makes the engine for a run, and whatever collects its spans.
func (c *runCmd) makeEngine(ctx context.Context, j job) (*engine, error) {
	cfg := fleet.Config{Flags: j.scenario.Options}
	switch c.Engine {
	case "sim":
		s, err := simfleet.Config(cfg, j.seed)
		if err != nil {
			return nil, err
		}
		f := simfleet.New(s)
		return &engine{f, f.Spans, []func(){func() { f.Close() }}}, nil
	case "docker":
		return c.containers(ctx, cfg, j.scenario.Traced())
	}
	col, err := scenario.NewCollector("")
	if err != nil {
		return nil, err
	}
	cfg.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + col.Endpoint(), traceSoon}
	f, err := local.New(cfg)
	if err != nil {
		col.Close()
		return nil, err
	}
	return &engine{f, col.Spans, []func(){func() { f.Close() }, col.Close}}, nil
}

// containers makes a network of containers. Their spans come to this machine's address in that network; where the
// Docker engine is on another machine they do not, and only a scenario that is about them must not be run there.
func (c *runCmd) containers(ctx context.Context, cfg fleet.Config, traced bool) (*engine, error) {
	f, err := docker.New(ctx, docker.Config{Config: cfg, Image: c.Image})
	if err != nil {
		return nil, err
	}
	e := &engine{fleet: f, ends: []func(){func() { f.Close() }}}
	col, err := besideContainers(ctx, f)
	switch {
	case err == nil:
		f.Environ("OTEL_EXPORTER_OTLP_ENDPOINT="+col.Endpoint(), traceSoon)
		e.spans, e.ends = col.Spans, append(e.ends, col.Close)
	case traced:
		e.end()
		return nil, fleet.Cannot("traces of containers cannot be received here: %v. Leave traced away, or run the lab where the Docker engine runs", err)
	}
	return e, nil
}

func besideContainers(ctx context.Context, f *docker.Fleet) (*scenario.Collector, error) {
	gateway, err := f.Gateway(ctx)
	if err != nil {
		return nil, err
	}
	col, err := scenario.NewCollector(gateway.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %v: %w", gateway, err)
	}
	return col, nil
}
