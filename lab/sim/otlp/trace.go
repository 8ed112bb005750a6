// Package otlp makes a file of a simulated run that opens in Jaeger like a real one: the spans that real peers
// send of the same events, by the same code, as OTLP's JSON. Jaeger's page takes it by "Upload JSON", and the
// collector by its file receiver.
//
// A span says what a peer's own clock said, in virtual time, which begins in the year 2001. Every fault is a
// span of its own, of the service "lab", and each healing links to the fault that caused it.
package otlp

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hearsay/lab/sim"
	"hearsay/peer/overlay"
	"hearsay/peer/telemetry"
	"hearsay/peer/wire"
)

// MaxSpans is how many spans a Trace holds: what a browser can show, and a file of some 45 MB. Of more, those
// before are forgotten, half as many at a time, and counted: what led to the end of a run is asked for most. So of a
// long run a Trace holds at least LeastSpans.
const (
	MaxSpans   = 50_000
	LeastSpans = MaxSpans / 2
)

// Trace is a sim.Watcher that keeps spans. The world's Config must say Sampled.
type Trace struct {
	most      int
	recorders []*telemetry.Recorder // of all runs of all peers, in the order of their first spans
	of        map[*sim.Host]*run    // of each host's present run
	spans     int                   // in recorders
	older     []byte                // spans before those, encoded as OTLP's TracesData
	olderN    int
	forgotten int

	faults  []*fault
	healing map[wire.SpanID]wire.Context // the faults behind heal spans
	ids     *rand.Rand                   // of faults' spans; the world's own chance is not touched
}

// run is one run of one peer.
type run struct {
	id       wire.ID
	recorder *telemetry.Recorder
}

// New returns a Trace that has seen nothing yet. The same seed gives the same ids to faults.
func New(seed uint64) *Trace {
	return &Trace{
		most: MaxSpans, of: map[*sim.Host]*run{}, healing: map[wire.SpanID]wire.Context{},
		ids: rand.New(rand.NewPCG(seed, binary.BigEndian.Uint64([]byte("spansids")))),
	}
}

// Observe is a Watcher's.
func (t *Trace) Observe(w *sim.World, h *sim.Host, o *sim.Observation) {
	if o.Fault != "" {
		t.fault(w.Time(), h, o.Fault)
		return
	}
	if o.Overlay == nil && o.Broadcast == nil && o.Announced == nil {
		return
	}
	r := t.recorder(h)
	before := r.Len()
	switch {
	case o.Overlay != nil:
		t.explain(w.Time(), o.Overlay)
		r.Overlay(o.Overlay)
	case o.Broadcast != nil:
		r.Broadcast(o.Broadcast)
	case o.Announced != nil:
		if e := telemetry.AnnounceEvent(*o.Announced); e.Context.Sampled {
			r.Announced(&e)
		}
	}
	t.spans += r.Len() - before
	if t.spans >= t.most/2 {
		t.turn()
	}
}

func (t *Trace) recorder(h *sim.Host) *telemetry.Recorder {
	r := t.of[h]
	if r == nil || r.id != h.ID() {
		r = &run{h.ID(), telemetry.NewRecorder(telemetry.Resource{ID: h.ID(), Name: h.Name, Version: "sim"})}
		t.of[h] = r
		t.recorders = append(t.recorders, r.recorder)
	}
	return r.recorder
}

// turn forgets the older half, and makes the newer one the older.
func (t *Trace) turn() {
	t.forgotten += t.olderN
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: t.newer()})
	if err != nil {
		panic("our own encoding is wrong: " + err.Error())
	}
	t.older, t.olderN, t.spans = b, t.spans, 0
	for _, r := range t.recorders {
		r.Forget()
	}
}

// newer are the spans in recorders, and makes those that wait for a further event.
func (t *Trace) newer() (all []*tracepb.ResourceSpans) {
	t.spans = 0
	for _, r := range t.recorders {
		s := r.Spans()
		if n := len(s.ScopeSpans[0].Spans); n > 0 {
			t.spans += n
			all = append(all, s)
		}
	}
	return all
}

// Len is how many spans there are, and Forgotten how many more there were.
func (t *Trace) Len() int {
	t.newer()
	return t.olderN + t.spans + len(t.faults)
}

// Forgotten is how many spans there was no room for.
func (t *Trace) Forgotten() int { return t.forgotten }

// explain remembers which fault is behind a healing.
func (t *Trace) explain(now time.Time, e *overlay.Event) {
	if e.Kind != overlay.Healed || !e.Context.Sampled {
		return
	}
	if f := t.cause(now.Add(e.Start.Sub(e.End)), e.Peer); f != nil && len(t.healing) < t.most {
		t.healing[e.Context.Span] = f.context
	}
}
