package telemetry

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Snapshot is a peer's counters, as they stand. The protocol keeps them as plain integers and pays
// nothing for being measured; they are read only when metrics are sent (OTEL_METRIC_EXPORT_INTERVAL).
type Snapshot struct {
	LinksOut, LinksIn int
	Known             int // peers

	// Messages, since the start.
	Published, Delivered, Duplicates, Relayed, Lost uint64
	Dropped                                         map[string]uint64 // by reason
	RetainedMessages, RetainedBytes                 int

	Grafts, Prunes   uint64
	Announced, Heard uint64 // announcements sent and received

	Refused, Turned          map[wire.Reason]uint64 // handshakes that we refused, or that were refused to us
	ClosedOurs, ClosedTheirs map[wire.Reason]uint64 // links that we ended, or that our neighbors did
	Limits                   map[string]uint64      // how often each limit was met
}

// snapshotFor is how long the event loop may take to answer. A loop that is later than that has other
// things to do; the next time will come.
const snapshotFor = time.Second

// metrics makes the metrics. Nil makes none.
type metrics struct {
	life     context.Context
	snapshot atomic.Pointer[func(context.Context) (Snapshot, error)]
	dropped  func() map[string]uint64

	links, known, retained, retainedBytes                  metric.Int64ObservableUpDownCounter
	published, delivered, duplicates, relayed, droppedMsgs metric.Int64ObservableCounter
	lost, grafts, prunes, announced, heard, droppedTel     metric.Int64ObservableCounter
	handshakes, closed, limits                             metric.Int64ObservableCounter

	heal    metric.Float64Histogram
	process metric.Float64Histogram
}

// Buckets, in seconds. A loud death heals in about one and a silent one in about three; a message is
// processed in microseconds, unless it waits for an earlier one.
var (
	healBuckets    = []float64{.01, .025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 10, 30, 60}
	processBuckets = []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5, 10}
)

func newMetrics(p metric.MeterProvider, version string, life context.Context, dropped func() map[string]uint64) *metrics {
	meter := p.Meter(scope, metric.WithInstrumentationVersion(version), metric.WithSchemaURL(schema))
	m := &metrics{life: life, dropped: dropped}
	var errs []error
	var all []metric.Observable
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, c)
		return c
	}
	level := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		c, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, c)
		return c
	}
	histogram := func(name, description string, buckets []float64) metric.Float64Histogram {
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
		errs = append(errs, err)
		return h
	}
	m.links = level("hearsay.links", "{link}", "Links to neighbors, by direction.")
	m.known = level("hearsay.peers.known", "{peer}", "Peers that could be dialled.")
	m.retained = level("hearsay.retained.messages", "{message}", "Messages kept for peers that missed them.")
	m.retainedBytes = level("hearsay.retained.size", "By", "Bytes of the messages kept.")
	m.published = counter("hearsay.messages.published", "{message}", "Messages published here.")
	m.delivered = counter("hearsay.messages.delivered", "{message}", "Other peers' messages delivered here.")
	m.duplicates = counter("hearsay.messages.duplicates", "{message}", "Further copies of messages received.")
	m.relayed = counter("hearsay.messages.relayed", "{message}", "Copies of messages sent on.")
	m.droppedMsgs = counter("hearsay.messages.dropped", "{message}", "Messages received and not kept, by reason.")
	m.lost = counter("hearsay.messages.lost", "{message}", "Messages owed to this peer that can no longer be had.")
	m.grafts = counter("hearsay.grafts", "{graft}", "Grafts sent: a message was announced and did not come by itself.")
	m.prunes = counter("hearsay.prunes", "{prune}", "Prunes sent: a link brought duplicates.")
	m.announced = counter("hearsay.announcements.sent", "{announcement}", "Announcements sent.")
	m.heard = counter("hearsay.announcements.received", "{announcement}", "Announcements received.")
	m.handshakes = counter("hearsay.handshakes.refused", "{handshake}", "Handshakes that came to no link, by reason and by who refused.")
	m.closed = counter("hearsay.links.closed", "{link}", "Links ended, by reason and by whom.")
	m.limits = counter("hearsay.limits.met", "{event}", "How often a limit was met, by its name.")
	m.droppedTel = counter("hearsay.telemetry.dropped", "{item}", "What the peer told and telemetry lost: events (no room), traces, metrics and logs (not sent).")
	m.heal = histogram("hearsay.heal.duration", "From the loss of a link to its slot filled again.", healBuckets)
	m.process = histogram("messaging.process.duration", "From a message's arrival at this peer to its fate. Sampled messages only.", processBuckets)
	_, err := meter.RegisterCallback(m.observe, all...)
	if err := errors.Join(append(errs, err)...); err != nil {
		panic("our own instruments are wrong: " + err.Error())
	}
	return m
}

// Observe says where the counters come from: from then on, snapshot is called whenever metrics are
// sent, by a goroutine of the SDK. It must return when its context ends.
func (t *Telemetry) Observe(snapshot func(context.Context) (Snapshot, error)) {
	if t != nil && t.metrics != nil {
		t.metrics.snapshot.Store(&snapshot)
	}
}

func (m *metrics) observe(ctx context.Context, o metric.Observer) error {
	for signal, n := range m.dropped() {
		o.ObserveInt64(m.droppedTel, int64(n), metric.WithAttributes(keySignal.String(signal)))
	}
	f := m.snapshot.Load()
	if f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotFor)
	defer cancel()
	defer context.AfterFunc(m.life, cancel)()
	s, err := (*f)(ctx)
	if err != nil {
		return nil // it is stopping, or too busy for this
	}
	o.ObserveInt64(m.links, int64(s.LinksOut), metric.WithAttributes(keyDirection.String("out")))
	o.ObserveInt64(m.links, int64(s.LinksIn), metric.WithAttributes(keyDirection.String("in")))
	o.ObserveInt64(m.known, int64(s.Known))
	o.ObserveInt64(m.retained, int64(s.RetainedMessages))
	o.ObserveInt64(m.retainedBytes, int64(s.RetainedBytes))
	o.ObserveInt64(m.published, int64(s.Published))
	o.ObserveInt64(m.delivered, int64(s.Delivered))
	o.ObserveInt64(m.duplicates, int64(s.Duplicates))
	o.ObserveInt64(m.relayed, int64(s.Relayed))
	o.ObserveInt64(m.lost, int64(s.Lost))
	o.ObserveInt64(m.grafts, int64(s.Grafts))
	o.ObserveInt64(m.prunes, int64(s.Prunes))
	o.ObserveInt64(m.announced, int64(s.Announced))
	o.ObserveInt64(m.heard, int64(s.Heard))
	for reason, n := range s.Dropped {
		o.ObserveInt64(m.droppedMsgs, int64(n), metric.WithAttributes(keyReason.String(reason)))
	}
	for limit, n := range s.Limits {
		o.ObserveInt64(m.limits, int64(n), metric.WithAttributes(keyLimit.String(limit)))
	}
	byReason := func(c metric.Int64ObservableCounter, whose string, counts map[wire.Reason]uint64) {
		for reason, n := range counts {
			o.ObserveInt64(c, int64(n), metric.WithAttributes(keyReason.String(string(reason)), keyWhose.String(whose)))
		}
	}
	byReason(m.handshakes, "ours", s.Refused)
	byReason(m.handshakes, "theirs", s.Turned)
	byReason(m.closed, "ours", s.ClosedOurs)
	byReason(m.closed, "theirs", s.ClosedTheirs)
	return nil
}

// healed measures a healing, sampled or not.
func (m *metrics) healed(e *overlay.Event) {
	if m != nil && e.Outcome == "linked" {
		m.heal.Record(context.Background(), e.End.Sub(e.Start).Seconds())
	}
}

// processLabels are the attributes of messaging.process.duration, by outcome.
var processLabels = func() (l [plumtree.Dropped + 1]metric.MeasurementOption) {
	for o := range l {
		l[o] = metric.WithAttributeSet(attribute.NewSet(
			semconv.MessagingSystemKey.String("hearsay"),
			semconv.MessagingOperationName("process"),
			semconv.MessagingDestinationName(destination),
			keyOutcome.String(outcome(plumtree.Outcome(o))),
		))
	}
	return l
}()

// processed measures a hop.
func (m *metrics) processed(e *plumtree.Event) {
	if m != nil && int(e.Outcome) < len(processLabels) {
		m.process.Record(context.Background(), e.End.Sub(e.Start).Seconds(), processLabels[e.Outcome])
	}
}
