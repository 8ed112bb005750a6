package telemetry

import (
	"context"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// guard stands around an exporter. It ends its exports with the Telemetry's life, and keeps their
// errors for us: the SDK would hand them to the one handler of the whole process.
type guard struct {
	signal string
	life   context.Context
	report *reporter
}

func (g *guard) run(ctx context.Context, n int, export func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.life, cancel)()
	if err := export(ctx); err != nil {
		g.report.failed(g.signal, n, err)
	} else {
		g.report.worked(g.signal)
	}
	return nil
}

type guardedMetrics struct {
	sdkmetric.Exporter
	*guard
}

func (g guardedMetrics) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	return g.run(ctx, 1, func(ctx context.Context) error { return g.Exporter.Export(ctx, m) })
}

type guardedLogs struct {
	sdklog.Exporter
	*guard
}

func (g guardedLogs) Export(ctx context.Context, records []sdklog.Record) error {
	return g.run(ctx, len(records), func(ctx context.Context) error { return g.Exporter.Export(ctx, records) })
}
