package otlp

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Span is a span as the page shows it. Times are microseconds since 1970, which a browser's numbers hold exactly.
type Span struct {
	ID     string         `json:"id"`
	Parent string         `json:"parent,omitempty"`
	Name   string         `json:"name"`
	Kind   string         `json:"kind"`
	Who    string         `json:"who"` // service.instance.id
	Start  int64          `json:"start_us"`
	End    int64          `json:"end_us"`
	Attrs  map[string]any `json:"attributes,omitempty"`
	Events []SpanEvent    `json:"events,omitempty"`
	Links  []SpanLink     `json:"links,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// SpanEvent is something that happened in a span.
type SpanEvent struct {
	Name  string         `json:"name"`
	At    int64          `json:"at_us"`
	Attrs map[string]any `json:"attributes,omitempty"`
}

// SpanLink names another span.
type SpanLink struct {
	Trace string         `json:"trace"`
	Span  string         `json:"span"`
	Attrs map[string]any `json:"attributes,omitempty"`
}

// ParseTraceID reads 32 hex digits.
func ParseTraceID(s string) (id TraceID, err error) {
	if n, err := hex.Decode(id[:], []byte(s[:min(len(s), 2*len(id))])); err != nil || n != len(id) || len(s) != 2*len(id) || id == (TraceID{}) {
		return id, fmt.Errorf("%q is no trace id: it has 32 hex digits, not all zero", s)
	}
	return id, nil
}

// String is the ID as 32 hex digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// String is the ID as 16 hex digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

func decode(list []stored) []Span {
	var out []Span
	for i := range list {
		out = append(out, show(list[i].from, list[i].proto()))
	}
	slices.SortFunc(out, func(a, b Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
	return out
}

func show(from *Resource, s *tracepb.Span) Span {
	out := Span{
		ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId), Name: s.Name,
		Kind: strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_")),
		Who:  from.Instance, Start: micros(s.StartTimeUnixNano), End: micros(s.EndTimeUnixNano), Attrs: attributes(s.Attributes),
	}
	if out.Who == "" {
		out.Who = from.Service
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, SpanEvent{e.Name, micros(e.TimeUnixNano), attributes(e.Attributes)})
	}
	for _, l := range s.Links {
		out.Links = append(out.Links, SpanLink{hex.EncodeToString(l.TraceId), hex.EncodeToString(l.SpanId), attributes(l.Attributes)})
	}
	if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		out.Error = s.Status.Message
		if out.Error == "" {
			out.Error = "error"
		}
	}
	return out
}

func micros(ns uint64) int64 { return int64(ns / 1000) }

func attributes(list []*commonpb.KeyValue) map[string]any {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]any, len(list))
	for _, kv := range list {
		switch v := kv.Value.GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = v.IntValue
		case *commonpb.AnyValue_DoubleValue:
			if out[kv.Key] = v.DoubleValue; math.IsNaN(v.DoubleValue) || math.IsInf(v.DoubleValue, 0) {
				out[kv.Key] = fmt.Sprint(v.DoubleValue) // JSON has no such number
			}
		case *commonpb.AnyValue_BoolValue:
			out[kv.Key] = v.BoolValue
		default:
			out[kv.Key] = kv.Value.String() // lists and bytes, which peers do not send
		}
	}
	return out
}
