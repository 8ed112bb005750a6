package telemetry

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"

	"hearsay/peer/wire"
)

// The fields of OTLP that we write: opentelemetry-proto 1.11, trace/v1/trace.proto and
// common/v1/common.proto. They are stable: a number never gets another meaning.
const (
	scopeSpansSpans = 2

	spanTraceID    = 1
	spanSpanID     = 2
	spanParentID   = 4
	spanName       = 5
	spanKindField  = 6
	spanStart      = 7
	spanEnd        = 8
	spanAttributes = 9
	spanEvents     = 11
	spanLinks      = 13
	spanStatus     = 15
	spanFlags      = 16

	eventTime       = 1
	eventName       = 2
	eventAttributes = 3

	linkTraceID    = 1
	linkSpanID     = 2
	linkAttributes = 4
	linkFlags      = 6

	statusMessage = 2
	statusCode    = 3

	keyValueKey   = 1
	keyValueValue = 2

	anyString = 1
	anyBool   = 2
	anyInt    = 3
	anyDouble = 4
)

// Flags of spans and links. All of ours are sampled.
const (
	flagsLocal  = uint32(0x01 | tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	flagsRemote = flagsLocal | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

// span is one span in the making, as the fields of OTLP's Span. Its memory is the batch's, and so there
// is one at a time: whoever begins it ends it.
type span struct {
	batch *batch
	buf   []byte
	trace wire.TraceID
	start time.Time
	flags uint32
	above wire.SpanID // the parent
}

func (s *span) begin(name string, kind tracepb.Span_SpanKind, ids wire.Context, at time.Time) {
	s.trace, s.start, s.flags, s.above = ids.Trace, at, flagsLocal, wire.SpanID{}
	b := s.buf[:0]
	b = appendBytes(b, spanTraceID, ids.Trace[:])
	b = appendBytes(b, spanSpanID, ids.Span[:])
	b = appendString(b, spanName, name)
	b = appendVarint(b, spanKindField, uint64(kind))
	s.buf = appendTime(b, spanStart, at)
}

// parent puts the span beneath another one. One in another trace is none.
func (s *span) parent(c wire.Context, remote bool) {
	if !c.Valid() || c.Trace != s.trace {
		return
	}
	s.above = c.Span
	s.buf = appendBytes(s.buf, spanParentID, c.Span[:])
	if remote {
		s.flags = flagsRemote
	}
}

// link comes after parent. At the first hop both are the publication; Jaeger keeps one reference to a
// span, and takes a link for "follows from" unless it says otherwise, so that the hop would be no child.
func (s *span) link(to wire.Context) {
	if !to.Valid() {
		return
	}
	var room [128]byte
	b := appendBytes(room[:0], linkTraceID, to.Trace[:])
	b = appendBytes(b, linkSpanID, to.Span[:])
	if to.Trace == s.trace && to.Span == s.above {
		b = appendAttributes(b, linkAttributes, semconv.OpenTracingRefTypeChildOf)
	}
	b = appendFixed32(b, linkFlags, flagsRemote)
	s.buf = appendBytes(s.buf, spanLinks, b)
}

// add adds attributes that were encoded before.
func (s *span) add(encoded []byte) { s.buf = append(s.buf, encoded...) }

// string adds an attribute unless it is empty.
func (s *span) string(k attribute.Key, v string) {
	if v != "" {
		s.buf = appendAttribute(s.buf, spanAttributes, k, stringValue(v))
	}
}

func (s *span) int(k attribute.Key, v int) {
	s.buf = appendAttribute(s.buf, spanAttributes, k, intValue(int64(v)))
}

func (s *span) double(k attribute.Key, v float64) {
	s.buf = appendAttribute(s.buf, spanAttributes, k, doubleValue(v))
}

func (s *span) bool(k attribute.Key, v bool) {
	s.buf = appendAttribute(s.buf, spanAttributes, k, boolValue(v))
}

func (s *span) event(name string, at time.Time, attrs ...attribute.KeyValue) {
	b := appendTime(nil, eventTime, at)
	b = appendString(b, eventName, name)
	b = appendAttributes(b, eventAttributes, attrs...)
	s.buf = appendBytes(s.buf, spanEvents, b)
}

// fail makes the span an error.
func (s *span) fail(reason string) {
	b := appendString(nil, statusMessage, valid(reason))
	b = appendVarint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
	s.buf = appendBytes(s.buf, spanStatus, b)
}

// end puts the span into the batch. It lasts a nanosecond at least: Jaeger warns of a "negative duration"
// on each that lasts none.
func (s *span) end(at time.Time) {
	if !at.After(s.start) {
		at = s.start.Add(1)
	}
	s.buf = appendTime(s.buf, spanEnd, at)
	s.buf = appendFixed32(s.buf, spanFlags, s.flags)
	s.batch.put(s.buf)
}

// value is an AnyValue: one of four.
type value struct {
	field protowire.Number
	text  string
	bits  uint64
}

func stringValue(v string) value  { return value{field: anyString, text: valid(v)} }
func intValue(v int64) value      { return value{field: anyInt, bits: uint64(v)} }
func doubleValue(v float64) value { return value{field: anyDouble, bits: math.Float64bits(v)} }
func boolValue(v bool) value      { return value{field: anyBool, bits: protowire.EncodeBool(v)} }

func (v value) size() int {
	switch v.field {
	case anyString:
		return 1 + protowire.SizeBytes(len(v.text))
	case anyDouble:
		return 1 + protowire.SizeFixed64()
	}
	return 1 + protowire.SizeVarint(v.bits)
}

func (v value) append(b []byte) []byte {
	switch v.field {
	case anyString:
		return appendString(b, anyString, v.text)
	case anyDouble:
		return protowire.AppendFixed64(protowire.AppendTag(b, anyDouble, protowire.Fixed64Type), v.bits)
	}
	return appendVarint(b, v.field, v.bits)
}

// appendAttribute appends a KeyValue as the given field of what has attributes.
func appendAttribute(b []byte, field protowire.Number, k attribute.Key, v value) []byte {
	n := v.size()
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(1+protowire.SizeBytes(len(k))+1+protowire.SizeBytes(n)))
	b = appendString(b, keyValueKey, string(k))
	b = protowire.AppendTag(b, keyValueValue, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	return v.append(b)
}

func appendAttributes(b []byte, field protowire.Number, attrs ...attribute.KeyValue) []byte {
	for _, kv := range attrs {
		v := stringValue(kv.Value.Emit())
		switch kv.Value.Type() {
		case attribute.INT64:
			v = intValue(kv.Value.AsInt64())
		case attribute.FLOAT64:
			v = doubleValue(kv.Value.AsFloat64())
		case attribute.BOOL:
			v = boolValue(kv.Value.AsBool())
		}
		b = appendAttribute(b, field, kv.Key, v)
	}
	return b
}

// encoded is attributes that many spans have, ready to be added.
func encoded(attrs ...attribute.KeyValue) []byte {
	return appendAttributes(nil, spanAttributes, attrs...)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendString(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendFixed32(b []byte, field protowire.Number, v uint32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), v)
}

func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(t.UnixNano()))
}

// valid keeps one bad string from costing a whole batch: who decodes it must refuse what is not UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
