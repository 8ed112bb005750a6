package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/wire"
)

// decidedIDs is the SDK's IDGenerator. It generates nothing: the ids come with the context.
type decidedIDs struct{}

type idsKey struct{}

// withIDs returns a context under which the SDK makes the span ids, beneath parent. A parent in
// another trace is none: the SDK would take its trace id for ours.
func withIDs(ids *wire.Context, parent wire.Context) context.Context {
	ctx := context.Background()
	if parent.Valid() && parent.Trace == ids.Trace {
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote(parent))
	}
	return context.WithValue(ctx, idsKey{}, ids)
}

// NewIDs names a span without a parent.
func (decidedIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	ids := decided(ctx)
	return trace.TraceID(ids.Trace), trace.SpanID(ids.Span)
}

// NewSpanID names a span with a parent.
func (decidedIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	return trace.SpanID(decided(ctx).Span)
}

func decided(ctx context.Context) *wire.Context {
	ids, ok := ctx.Value(idsKey{}).(*wire.Context)
	if !ok {
		panic("a span was started without the ids that the core decided")
	}
	return ids
}

// remote is c as OpenTelemetry has it.
func remote(c wire.Context) trace.SpanContext {
	var flags trace.TraceFlags
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(c.Trace), SpanID: trace.SpanID(c.Span),
		TraceFlags: flags.WithSampled(c.Sampled), Remote: true,
	})
}
