package live

import (
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/sim"
	"hearsay/peer/telemetry"
	"hearsay/peer/wire"
)

// maxRecorded bounds the runs of peers whose recorders are kept; beyond it those that have nothing to tell are made
// anew when they have.
const maxRecorded = 4096

// Recorder makes spans of what simulated peers do, and hands them on as they come, where simfleet's own keeps all
// until the end. The world's Config must say Sampled.
type Recorder struct {
	of map[wire.ID]*telemetry.Recorder // of each run
}

// Record has a world recorded from now on.
func Record(w *sim.World) *Recorder {
	r := &Recorder{of: map[wire.ID]*telemetry.Recorder{}}
	w.Watch(r)
	return r
}

// Observe is a sim.Watcher's.
func (r *Recorder) Observe(_ *sim.World, h *sim.Host, o *sim.Observation) {
	if h == nil || o.Overlay == nil && o.Broadcast == nil && o.Announced == nil {
		return
	}
	rec := r.of[h.ID()]
	if rec == nil {
		rec = telemetry.NewRecorder(telemetry.Resource{ID: h.ID(), Name: h.Name, Version: "sim"})
		r.of[h.ID()] = rec
	}
	switch {
	case o.Overlay != nil:
		rec.Overlay(o.Overlay)
	case o.Broadcast != nil:
		rec.Broadcast(o.Broadcast)
	case o.Announced.Context.Sampled:
		e := telemetry.AnnounceEvent(*o.Announced)
		rec.Announced(&e)
	}
}

// Flush tells of the spans that were made since the last time.
func (r *Recorder) Flush(tell func(*tracepb.ResourceSpans)) {
	for id, rec := range r.of {
		rs := rec.Spans()
		rec.Forget()
		if len(rs.ScopeSpans[0].Spans) > 0 {
			tell(rs)
		} else if len(r.of) > maxRecorded {
			delete(r.of, id)
		}
	}
}
