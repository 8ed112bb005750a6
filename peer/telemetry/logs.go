package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/trace"

	"hearsay/peer/wire"
)

// LogHandler sends log lines of level and above to the collector, or is nil while logs are off. Join it
// with the handler of standard error by slog.NewMultiHandler. It never blocks: when its queue is full
// (OTEL_BLRP_MAX_QUEUE_SIZE), the oldest lines go.
func (t *Telemetry) LogHandler(level slog.Leveler) slog.Handler {
	if t == nil || t.logs == nil {
		return nil
	}
	h := otelslog.NewHandler(scope, otelslog.WithLoggerProvider(t.logs), otelslog.WithVersion(t.version), otelslog.WithSchemaURL(schema))
	return leveled{h, level}
}

// leveled adds the level that the bridge does not have: it would take every debug line, and the event
// loop would pay for writing it.
type leveled struct {
	slog.Handler
	level slog.Leveler
}

func (l leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level.Level() && l.Handler.Enabled(ctx, level)
}
func (l leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(attrs), l.level}
}
func (l leveled) WithGroup(name string) slog.Handler {
	return leveled{l.Handler.WithGroup(name), l.level}
}

// In returns a context in which a log line is known to be about the span c, so that it carries its trace
// id: log.InfoContext(telemetry.In(ctx, e.Context), "link lost").
func In(ctx context.Context, c wire.Context) context.Context {
	if !c.Valid() {
		return ctx
	}
	var flags trace.TraceFlags
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(c.Trace), SpanID: trace.SpanID(c.Span), TraceFlags: flags.WithSampled(c.Sampled), Remote: true,
	}))
}

// TraceIDs is h with the trace id of the context on each line, for people who read standard error and
// want to look up the trace. An unsampled trace cannot be looked up, and is not named.
func TraceIDs(h slog.Handler) slog.Handler { return traceIDs{h} }

type traceIDs struct{ slog.Handler }

func (h traceIDs) Handle(ctx context.Context, r slog.Record) error {
	if c := trace.SpanContextFromContext(ctx); c.IsSampled() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", c.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}
func (h traceIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceIDs{h.Handler.WithAttrs(attrs)}
}
func (h traceIDs) WithGroup(name string) slog.Handler { return traceIDs{h.Handler.WithGroup(name)} }
