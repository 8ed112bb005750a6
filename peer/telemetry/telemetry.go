// Package telemetry sends what a peer does to an OpenTelemetry collector: traces, metrics and logs.
//
// Tracing watches and never steers. The event loop leaves events in a bounded buffer (queue.go), which
// never blocks and counts what does not fit; a goroutine of our own makes spans of them (spans.go). A
// collector that is slow, dead or not there costs its own data and nothing else.
//
// The core decides which spans there are, their ids and their times: a message carries its span's id
// on before any span can be made, and the same seed must give the same trace. It asks Sample first.
//
// Metrics and logs are the SDK's. Spans go without it, as the fields that OTLP sends (otlp.go, batch.go),
// though through its client. With everything decided a tracer has nothing left to do but to allocate: by
// the SDK a sampled hop took about 18 µs and 68 allocations until it was encoded, and now 1.5 µs and one
// (BenchmarkSpan), beside 1.5 µs for handling the message itself.
//
// Everything is set by the standard OTEL_* variables (setup.go), and off while no endpoint is set.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// scope is the name under which spans, metrics and logs are made.
const scope = "hearsay/peer"

// Telemetry is one peer's. Nil and the zero value are switched off, and cost nothing.
//
// Overlay, Broadcast and Announced are for one goroutine, the event loop. All other methods may be
// called by any.
type Telemetry struct {
	sampler sampler
	version string
	events  *queue   // nil unless traces or metrics are on
	metrics *metrics // nil unless metrics are on

	traces bool
	// Each is nil while its signal is off.
	meters *sdkmetric.MeterProvider
	logs   *sdklog.LoggerProvider

	// life ends when Shutdown must be done. Every export ends with it, whatever the SDK would wait for.
	life    context.Context
	endLife context.CancelFunc
	stop    chan struct{} // closed by Shutdown: make the last spans
	stopped chan struct{} // closed once they are made
	once    sync.Once
}

// Start sets up what the environment asks for, and does not wait for a collector. There is no error
// that should keep a peer from running: what is set wrongly is said on log, with the remedy, and then
// counts as not set.
//
// The log must not lead to LogHandler, or trouble with the collector would be sent to the collector.
func Start(r Resource, log *slog.Logger) *Telemetry {
	s, warnings := readSettings(os.Getenv)
	for _, w := range warnings {
		log.Warn(w)
	}
	if s.off() {
		return &Telemetry{}
	}
	e, err := s.exporters(context.Background())
	if err != nil {
		log.Warn("telemetry: not everything can be sent", "err", err)
	}
	return start(r, s, e, newReporter(log, time.Now))
}

// start is Start with the exporters given. A nil one leaves its signal off.
func start(r Resource, s settings, e exporters, rep *reporter) *Telemetry {
	t := &Telemetry{sampler: s.sampler, version: r.Version, stop: make(chan struct{}), stopped: make(chan struct{})}
	t.life, t.endLife = context.WithCancel(context.Background())
	res := r.describe()
	spans := &spans{}
	// The queue comes before the metrics, which may be read from the moment they exist.
	if e.spans != nil || e.metrics != nil {
		t.events = newQueue(e.spans != nil, s.batch.queue)
	}
	if e.spans != nil {
		t.traces = true
		spans.batch = newBatch(e.spans, s.batch, t.guard("traces", rep), res, r.Version)
	}
	if e.metrics != nil {
		t.meters = sdkmetric.NewMeterProvider(
			sdkmetric.WithResource(res),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(guardedMetrics{e.metrics, t.guard("metrics", rep)})),
		)
		t.metrics = newMetrics(t.meters, r.Version, t.life, func() map[string]uint64 { return t.dropped(rep) })
		spans.metrics = t.metrics
	}
	if e.logs != nil {
		t.logs = sdklog.NewLoggerProvider(
			sdklog.WithResource(res),
			sdklog.WithProcessor(sdklog.NewBatchProcessor(guardedLogs{e.logs, t.guard("logs", rep)})),
		)
	}
	if t.events == nil {
		close(t.stopped)
		return t
	}
	go t.run(spans, rep)
	return t
}

func (t *Telemetry) guard(signal string, r *reporter) *guard {
	return &guard{signal: signal, life: t.life, report: r}
}

// Enabled reports whether anything is on.
func (t *Telemetry) Enabled() bool {
	return t != nil && (t.traces || t.meters != nil || t.logs != nil)
}

// Sample decides whether a trace that begins here, or goes on here from a valid parent, is recorded.
func (t *Telemetry) Sample(parent wire.Context, trace wire.TraceID) bool {
	return t != nil && t.traces && t.sampler.sample(parent, trace)
}

// Overlay takes what the overlay tells. It never blocks.
func (t *Telemetry) Overlay(events ...overlay.Event) {
	if t == nil || t.events == nil {
		return
	}
	// Unsampled ones too: they tell who is at the end of a connection, and how long a healing took.
	for i := range events {
		t.events.overlay.put(&events[i], t.events)
	}
}

// Broadcast takes what the broadcast tells. It never blocks.
func (t *Telemetry) Broadcast(events ...plumtree.Event) {
	if t == nil || !t.traces {
		return
	}
	for i := range events {
		t.events.broadcast.put(&events[i], t.events)
	}
}

// Announced takes announcements that were sent. It never blocks.
func (t *Telemetry) Announced(events ...AnnounceEvent) {
	if t == nil || !t.traces {
		return
	}
	for i := range events {
		if events[i].Context.Sampled {
			t.events.announced.put(&events[i], t.events)
		}
	}
}

// AnnounceEvent tells of one announcement; its fields are those of mesh.Announced.
type AnnounceEvent struct {
	At      time.Time
	Why     string // start, seeking, trickle, change, beacon, answer or goodbye
	Context wire.Context
	To      netip.AddrPort // valid if it went to one peer alone
}

// run makes spans and sends them, until Shutdown; and then what is left.
func (t *Telemetry) run(s *spans, rep *reporter) {
	defer close(t.stopped)
	for t.events.wait(t.stop, s.batch.dueAt()) {
		t.drain(s, rep)
		s.batch.sendDue(time.Now())
	}
	t.drain(s, rep)
	s.batch.close()
}

// drain makes spans of all that waits. Where a batch is full it waits for the collector, and meanwhile
// the queue may get full too: that is the one place where events are dropped.
func (t *Telemetry) drain(s *spans, rep *reporter) {
	q := t.events
	defer q.sayDropped(rep)
	for q.waiting() && t.life.Err() == nil {
		// The overlay first: it says who is at the end of the connections that the broadcast names.
		q.overlay.take(func(_, e, _ *overlay.Event) { s.overlay(e) })
		q.announced.take(func(_, e, _ *AnnounceEvent) { s.announced(e) })
		q.broadcast.take(s.broadcast)
	}
}

// dropped says what was lost on the way, by signal.
func (t *Telemetry) dropped(rep *reporter) map[string]uint64 {
	d := rep.lost()
	d["events"] = t.events.dropped()
	return d
}

// unwind is how long before the deadline of Shutdown the exports are cut short, so that all goroutines
// have ended by then: a few milliseconds' work, with room for a busy machine.
const unwind = 100 * time.Millisecond

// grace is how long metrics and logs wait for the spans at the end.
const grace = 200 * time.Millisecond

// Shutdown sends what is left, and gives up when ctx ends; then something is lost, and it says so. The
// event loop must have ended. It may be called again, and then does nothing.
func (t *Telemetry) Shutdown(ctx context.Context) (err error) {
	if !t.Enabled() {
		return nil
	}
	t.once.Do(func() { err = t.shutdown(ctx) })
	return err
}

func (t *Telemetry) shutdown(ctx context.Context) error {
	defer t.endLife()
	defer context.AfterFunc(ctx, t.endLife)()
	if at, ok := ctx.Deadline(); ok {
		left := time.Until(at)
		defer time.AfterFunc(left-min(unwind, left/4), t.endLife).Stop()
	}
	done := make(chan error, 1)
	go func() {
		// The spans first: healings among them are still to be measured. But a collector that does not
		// take them must not cost metrics and logs the time that they have.
		close(t.stop)
		select {
		case <-t.stopped:
		case <-time.After(grace):
		}
		err := t.shutdownProviders()
		<-t.stopped
		done <- err
	}()
	select {
	case err := <-done:
		if t.life.Err() != nil {
			err = errors.Join(errors.New("the collector did not take everything in time"), err)
		}
		if err != nil {
			return fmt.Errorf("flush telemetry: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush telemetry: %w", context.Cause(ctx))
	}
}

// shutdownProviders stops both at the same time, since each may have to wait for its collector. They get
// no deadline, on which they would leave goroutines behind: life ends their exports.
func (t *Telemetry) shutdownProviders() error {
	ctx := context.Background()
	var errs [2]error
	var wg sync.WaitGroup
	if t.meters != nil {
		wg.Go(func() { errs[0] = t.meters.Shutdown(ctx) })
	}
	if t.logs != nil {
		wg.Go(func() { errs[1] = t.logs.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}
