package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"hearsay/peer/wire"
)

// batch is the spans that will be sent next, in memory that is used again for those after them. One
// goroutine owns it.
type batch struct {
	settings batchSettings
	client   otlptrace.Client
	guard    *guard

	next span      // the one in the making
	buf  []byte    // spans, one behind the other, as the field of ScopeSpans that holds them
	n    int       // how many
	due  time.Time // when they must go

	scope   *tracepb.ScopeSpans
	request []*tracepb.ResourceSpans
}

func newBatch(client otlptrace.Client, s batchSettings, g *guard, res *resource.Resource, version string) *batch {
	b := &batch{settings: s, client: client, guard: g}
	b.next.batch = b
	b.scope = &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: scope, Version: version}, SchemaUrl: schema}
	r := &resourcepb.Resource{}
	const attributes = 1 // the field of Resource
	if err := proto.Unmarshal(appendAttributes(nil, attributes, res.Attributes()...), r); err != nil {
		panic("our own encoding is wrong: " + err.Error())
	}
	b.request = []*tracepb.ResourceSpans{{Resource: r, ScopeSpans: []*tracepb.ScopeSpans{b.scope}, SchemaUrl: res.SchemaURL()}}
	return b
}

// span begins a span, which must be ended before the next. Where the batch is full it is sent first, and
// that may take a while.
func (b *batch) span(name string, kind tracepb.Span_SpanKind, ids wire.Context, at time.Time) *span {
	if b.n >= b.settings.max {
		b.send()
	}
	b.next.begin(name, kind, ids, at)
	return &b.next
}

// put takes the fields of a span that has ended.
func (b *batch) put(fields []byte) {
	if b.n == 0 {
		b.due = time.Now().Add(b.settings.delay)
	}
	b.buf = protowire.AppendTag(b.buf, scopeSpansSpans, protowire.BytesType)
	b.buf = protowire.AppendBytes(b.buf, fields)
	b.n++
}

// send sends the batch, and has lost it if that fails: to try again is the client's part, within its
// time. When the client returns it has encoded the batch, or given up, so that the memory is free.
func (b *batch) send() {
	if b.n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.settings.timeout)
	defer cancel()
	// The spans are encoded already. As fields that the type does not know they are copied as they are,
	// into the place where those stand that it knows.
	b.scope.ProtoReflect().SetUnknown(b.buf)
	b.guard.run(ctx, b.n, func(ctx context.Context) error { return b.client.UploadTraces(ctx, b.request) })
	b.buf, b.n = b.buf[:0], 0
}

// dueAt is when the batch must go; the zero time means never.
func (b *batch) dueAt() time.Time {
	if b == nil || b.n == 0 {
		return time.Time{}
	}
	return b.due
}

func (b *batch) sendDue(now time.Time) {
	if due := b.dueAt(); !due.IsZero() && !now.Before(due) {
		b.send()
	}
}

// close sends what is left and ends the connection.
func (b *batch) close() {
	if b == nil {
		return
	}
	b.send()
	b.client.Stop(context.Background())
}
