package simfleet

import (
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/sim"
	"hearsay/peer/telemetry"
)

// maxSpans bounds the spans that are kept, of all peers together: some 40 MB, and four times as much for whoever
// looks at them. Those after it are counted and forgotten.
const maxSpans = 100_000

// recorders make the spans of all runs of all peers. The zero value is ready.
type recorders struct {
	list    []*recorder
	of      map[*place]*recorder // of its present run
	kept    int
	dropped int
}

type recorder struct {
	*telemetry.Recorder
	run int
}

func (r *recorders) observe(p *place, o *sim.Observation) {
	sampled := false
	switch {
	case o.Broadcast != nil, o.Overlay != nil: // unsampled ones may belong to the spans of others
		sampled = true
	case o.Announced != nil:
		sampled = o.Announced.Context.Sampled
	}
	if !sampled {
		return
	}
	if r.kept >= maxSpans {
		r.dropped++
		return
	}
	rec := r.recorder(p)
	before := rec.Len()
	switch {
	case o.Overlay != nil:
		rec.Overlay(o.Overlay)
	case o.Broadcast != nil:
		rec.Broadcast(o.Broadcast)
	case o.Announced != nil:
		e := telemetry.AnnounceEvent(*o.Announced)
		rec.Announced(&e)
	}
	r.kept += rec.Len() - before
}

func (r *recorders) recorder(p *place) *recorder {
	if r.of == nil {
		r.of = map[*place]*recorder{}
	}
	rec := r.of[p]
	if rec == nil || rec.run != p.run {
		rec = &recorder{telemetry.NewRecorder(telemetry.Resource{ID: p.host.ID(), Name: p.host.Name, Version: "sim"}), p.run}
		r.of[p] = rec
		r.list = append(r.list, rec)
	}
	return rec
}

// Spans are the spans of all runs of all peers, in the order in which those began, and how many there was no
// room for.
func (f *Fleet) Spans() (all []*tracepb.ResourceSpans, dropped int) {
	for _, r := range f.spans.list {
		if r.Len() > 0 {
			all = append(all, r.Spans())
		}
	}
	return all, f.spans.dropped
}
