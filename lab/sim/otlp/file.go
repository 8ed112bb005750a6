package otlp

import (
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/peer/wire"
)

// Write writes the trace as one line: an ExportTraceServiceRequest in OTLP's JSON.
func (t *Trace) Write(w io.Writer) error {
	b, err := proto.Marshal(t.data())
	if err != nil {
		return err
	}
	traces, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(b)
	if err != nil {
		return fmt.Errorf("our own spans: %w", err)
	}
	b, err = new(ptrace.JSONMarshaler).MarshalTraces(traces)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// WriteFile writes the trace into a file.
func (t *Trace) WriteFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := t.Write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// data is all of it, the peers' spans as a collector passes them on to Jaeger, which colours and groups by the
// service's name alone.
func (t *Trace) data() *tracepb.TracesData {
	all := &tracepb.TracesData{}
	if err := proto.Unmarshal(t.older, all); err != nil {
		panic("our own encoding is wrong: " + err.Error())
	}
	all.ResourceSpans = append(all.ResourceSpans, t.newer()...)
	end := time.Time{}
	for _, r := range all.ResourceSpans {
		r.Resource.Attributes = service(r.Resource.Attributes)
		for _, s := range r.ScopeSpans[0].Spans {
			if at := time.Unix(0, int64(s.EndTimeUnixNano)); at.After(end) {
				end = at
			}
			if f, ok := t.healing[wire.SpanID(s.SpanId)]; ok {
				s.Links = append(s.Links, &tracepb.Span_Link{TraceId: f.Trace[:], SpanId: f.Span[:], Flags: 1, Attributes: attributes("hearsay.reason", "fault")})
			}
		}
	}
	if lab := t.lab(end); lab != nil {
		all.ResourceSpans = append(all.ResourceSpans, lab)
	}
	return all
}

// service names a peer's service after its instance, as otel-collector.yaml does, and says that all have one
// clock, or Jaeger would shift spans to make up for the time that a message was under way.
func service(attrs []*commonpb.KeyValue) []*commonpb.KeyValue {
	name, instance := "", ""
	for _, kv := range attrs {
		switch kv.Key {
		case "service.name":
			name = kv.Value.GetStringValue()
		case "service.instance.id":
			instance = kv.Value.GetStringValue()
		}
	}
	for _, kv := range attrs {
		if kv.Key == "service.name" {
			kv.Value = stringValue(instance)
		}
	}
	return append(attrs, attributes("hearsay.service", name, "ip", "simulated")...)
}

// lab is the faults' spans, and says what is missing. Nil: there are none, and nothing is.
func (t *Trace) lab(end time.Time) *tracepb.ResourceSpans {
	if len(t.faults) == 0 && t.forgotten == 0 {
		return nil
	}
	spans := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "hearsay/lab/sim"}}
	for _, f := range t.faults {
		spans.Spans = append(spans.Spans, f.span(end))
	}
	r := &resourcepb.Resource{Attributes: attributes("service.name", "lab", "service.instance.id", "lab-sim")}
	if t.forgotten > 0 {
		r.Attributes = append(r.Attributes, &commonpb.KeyValue{Key: "hearsay.spans_forgotten",
			Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(t.forgotten)}}})
		spans.Spans = append(spans.Spans, t.gap(end))
	}
	return &tracepb.ResourceSpans{Resource: r, ScopeSpans: []*tracepb.ScopeSpans{spans}}
}

// gap is a span that says that there were more.
func (t *Trace) gap(end time.Time) *tracepb.Span {
	c := wire.NewContext(t.ids, true)
	return &tracepb.Span{
		TraceId: c.Trace[:], SpanId: c.Span[:], Name: "older spans are not in this file", Kind: tracepb.Span_SPAN_KIND_INTERNAL, Flags: 1,
		StartTimeUnixNano: uint64(end.UnixNano()), EndTimeUnixNano: uint64(end.UnixNano() + 1),
		Attributes: attributes("hearsay.reason", fmt.Sprintf("%d spans before these were forgotten: a file holds the newest %d to %d", t.forgotten, t.most/2, t.most)),
	}
}

func attributes(pairs ...string) (list []*commonpb.KeyValue) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, &commonpb.KeyValue{Key: pairs[i], Value: stringValue(pairs[i+1])})
	}
	return list
}

func stringValue(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}
