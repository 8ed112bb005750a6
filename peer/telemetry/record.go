package telemetry

import (
	"math"

	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
)

// Recorder makes the spans of one peer where there is no collector and no event loop: in simulators and
// tests. It keeps them in memory, all on the caller's goroutine. Whoever calls it decides when there are
// enough; Len says how many there are.
type Recorder struct {
	spans        spans
	batch        *batch
	before, last *plumtree.Event // last has no span yet
}

// NewRecorder returns one for the peer r. Its spans tell nothing of this process or machine.
func NewRecorder(r Resource) *Recorder {
	res := resource.NewWithAttributes(schema,
		semconv.ServiceName("peer"),
		semconv.ServiceInstanceID(Instance(r.Name, r.ID)),
		semconv.ServiceVersion(r.Version),
		keyID.String(string(r.ID)),
	)
	b := newBatch(nil, batchSettings{max: math.MaxInt}, nil, res, r.Version)
	return &Recorder{batch: b, spans: spans{batch: b}}
}

// Overlay takes what the overlay tells.
func (r *Recorder) Overlay(e *overlay.Event) { r.spans.overlay(e) }

// Broadcast takes what the broadcast tells. A span is made when the next event is known, which may say that
// the duplicate got its link pruned.
func (r *Recorder) Broadcast(e *plumtree.Event) {
	r.flush(e)
	r.before, r.last = r.last, new(*e)
}

func (r *Recorder) flush(after *plumtree.Event) {
	if r.last != nil {
		r.spans.broadcast(r.before, r.last, after)
	}
}

// Announced takes an announcement that was sent.
func (r *Recorder) Announced(e *AnnounceEvent) { r.spans.announced(e) }

// Forget drops all spans so far, for whoever has what they need of them. Who is at the end of a connection is
// not forgotten.
func (r *Recorder) Forget() {
	r.flush(nil)
	r.before, r.last = nil, nil
	r.batch.buf, r.batch.n = nil, 0
}

// Len is how many spans there are.
func (r *Recorder) Len() int { return r.batch.n }

// Spans are all so far, in the order in which they ended.
func (r *Recorder) Spans() *tracepb.ResourceSpans {
	r.flush(nil)
	r.before, r.last = nil, nil
	known := &tracepb.ScopeSpans{}
	if err := proto.Unmarshal(r.batch.buf, known); err != nil {
		panic("our own encoding is wrong: " + err.Error())
	}
	known.Scope, known.SchemaUrl = r.batch.scope.Scope, r.batch.scope.SchemaUrl
	of := r.batch.request[0]
	return &tracepb.ResourceSpans{Resource: of.Resource, ScopeSpans: []*tracepb.ScopeSpans{known}, SchemaUrl: of.SchemaUrl}
}
