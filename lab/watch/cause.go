package watch

import (
	"slices"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// cause is the newest fault that made a mending necessary, or nil.
func (m *Model) cause(start, end time.Time, healer int, lost []int) *Fault {
	list := m.faults.last(maxOpenFaults)
	for i := len(list) - 1; i >= 0; i-- {
		f := &list[i]
		if f.at.After(end) || start.Before(f.at.Add(-causeSlack)) || start.Sub(f.at) > causeBefore || !f.shakes() {
			continue
		}
		if f.befell(healer, lost) {
			return m.faults.at(f.Number)
		}
	}
	return nil
}

// befell reports whether a fault is to blame for that one lost these neighbors.
func (f *Fault) befell(healer int, lost []int) bool {
	if f.divides() {
		return slices.ContainsFunc(lost, func(n int) bool { return f.was.separates(healer, n) })
	}
	return slices.Contains(f.Peers, healer) || slices.ContainsFunc(lost, func(n int) bool { return slices.Contains(f.Peers, n) })
}

// faultLink is what a heal's span says of its cause.
func faultLink(f *Fault) *tracepb.Span_Link {
	return &tracepb.Span_Link{TraceId: f.span.Trace[:], SpanId: f.span.Span[:], Attributes: attrs{
		textAttr("hearsay.cause", "fault"), textAttr("hearsay.fault", f.Kind),
	}}
}
