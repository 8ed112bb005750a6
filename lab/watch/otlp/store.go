package otlp

import (
	"sync"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The bounds of a Store. When one of the first two is reached, the trace that began longest ago is forgotten.
const (
	// MaxBytes is what spans take, encoded: about a hundred thousand of them.
	MaxBytes = 64 << 20
	// MaxTraces is how many traces are kept.
	MaxTraces = 1 << 15
	// MaxTraceSpans bounds one trace: a message among five hundred peers, with duplicates. Further spans of it
	// are dropped and counted.
	MaxTraceSpans = 2048
	// spanCost is what a span takes beside its bytes.
	spanCost = 80
)

// TraceID and SpanID name traces and spans.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Store keeps recent traces. Spans are kept as they are encoded: a few hundred bytes each where the decoded form
// takes some thousand, and decoded again for whoever looks at a trace.
type Store struct {
	mu      sync.Mutex
	traces  map[TraceID]*trace
	order   []TraceID // by their first span; those before head are gone
	head    int
	bytes   int
	dropped StoreStats
	limits  limits
}

type trace struct {
	spans []stored
	bytes int
}

type stored struct {
	id   SpanID
	from *Resource
	raw  []byte
}

// limits are the bounds, which tests make smaller.
type limits struct{ bytes, traces, spans int }

// StoreStats counts what a store holds, and what it could not hold.
type StoreStats struct {
	Traces    int    `json:"traces"`
	Bytes     int    `json:"bytes"`
	Forgotten uint64 `json:"forgotten"` // traces, for those after them
	Overfull  uint64 `json:"overfull"`  // spans beyond MaxTraceSpans
	Malformed uint64 `json:"malformed"` // spans without proper ids
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{traces: map[TraceID]*trace{}, limits: limits{MaxBytes, MaxTraces, MaxTraceSpans}}
}

// Add keeps spans. It returns how many it did not take since their ids are malformed.
func (s *Store) Add(from *Resource, spans []*tracepb.Span) (rejected int) {
	for _, span := range spans {
		if !wellFormed(span) {
			rejected++
			continue
		}
		raw, err := proto.Marshal(span) // outside the lock: it takes longest
		if err != nil {
			rejected++
			continue
		}
		s.mu.Lock()
		s.add(TraceID(span.TraceId), stored{SpanID(span.SpanId), from, raw})
		s.mu.Unlock()
	}
	if rejected > 0 {
		s.mu.Lock()
		s.dropped.Malformed += uint64(rejected)
		s.mu.Unlock()
	}
	return rejected
}

func wellFormed(s *tracepb.Span) bool {
	return len(s.TraceId) == len(TraceID{}) && len(s.SpanId) == len(SpanID{}) &&
		TraceID(s.TraceId) != (TraceID{}) && SpanID(s.SpanId) != (SpanID{})
}

func (s *Store) add(id TraceID, span stored) {
	t := s.traces[id]
	if t == nil {
		t = &trace{}
		s.traces[id] = t
		s.order = append(s.order, id)
	}
	for i := range t.spans {
		if t.spans[i].id == span.id {
			return // its exporter tried again after an answer that was lost
		}
	}
	if len(t.spans) >= s.limits.spans {
		s.dropped.Overfull++
		return
	}
	t.spans = append(t.spans, span)
	cost := len(span.raw) + spanCost
	t.bytes += cost
	s.bytes += cost
	for len(s.traces) > 1 && (s.bytes > s.limits.bytes || len(s.traces) > s.limits.traces) {
		s.forget()
	}
}

// forget drops the oldest trace. Its name leaves order at once, and order's memory once half of it is gone.
func (s *Store) forget() {
	id := s.order[s.head]
	s.head++
	s.bytes -= s.traces[id].bytes
	delete(s.traces, id)
	s.dropped.Forgotten++
	if s.head > len(s.order)/2 {
		s.order = append(s.order[:0:0], s.order[s.head:]...)
		s.head = 0
	}
}

// Trace returns the spans of a trace in the order of their starts, or nothing if it is not kept.
func (s *Store) Trace(id TraceID) []Span {
	s.mu.Lock()
	var list []stored
	if t := s.traces[id]; t != nil {
		list = append(list, t.spans...) // what raw refers to never changes
	}
	s.mu.Unlock()
	return decode(list)
}

// All calls f for every span that is kept, trace by trace, the oldest first.
func (s *Store) All(f func(*Resource, *tracepb.Span)) {
	s.mu.Lock()
	ids := append([]TraceID(nil), s.order[s.head:]...)
	s.mu.Unlock()
	for _, id := range ids {
		s.mu.Lock()
		var list []stored
		if t := s.traces[id]; t != nil {
			list = append(list, t.spans...)
		}
		s.mu.Unlock()
		for i := range list {
			f(list[i].from, list[i].proto())
		}
	}
}

func (s *stored) proto() *tracepb.Span {
	span := &tracepb.Span{}
	if err := proto.Unmarshal(s.raw, span); err != nil {
		panic("what was encoded here cannot be decoded: " + err.Error())
	}
	return span
}

// Stats says what is kept.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.dropped
	out.Traces, out.Bytes = len(s.traces), s.bytes
	return out
}
