package watch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/watch/otlp"
)

// flushAfter is how long a change waits for others before subscribers are told: shorter than a person notices.
const flushAfter = 40 * time.Millisecond

// Options say how a Watch is set up. The zero value is good.
type Options struct {
	// Retain is the peers' --retain. 10 minutes by default.
	Retain time.Duration
	// Listen is where spans are received; empty means a free port of 127.0.0.1.
	Listen string
	// HTTP is where spans are received over HTTP too; empty means nowhere.
	HTTP string
	// Getenv is where OTEL_EXPORTER_OTLP_ENDPOINT and its like are looked up, to which everything is passed on. Nil is
	// the process's environment.
	Getenv func(string) string
	// Log is told of what goes wrong. Nil is nobody.
	Log *slog.Logger
}

// Watch listens to one fleet and its peers' spans. Its methods may be called by several goroutines.
type Watch struct {
	log      *slog.Logger
	store    *otlp.Store
	forward  *otlp.Forward
	receiver *otlp.Receiver

	mu      sync.Mutex
	model   *Model
	history history
	changed chan struct{} // closed when history grows
	pending pending
	engine  string
	clock   func() time.Time // of the fleet; nil: only events tell the time

	wake   chan struct{}
	stop   context.CancelFunc
	done   chan struct{}
	follow sync.Once
	cancel func() // of fleet.Watch
}

// New sets up what receives spans; Endpoint is for the peers. Follow begins to watch them.
func New(o Options) (*Watch, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watch{log: o.Log, store: otlp.NewStore(), changed: make(chan struct{}), wake: make(chan struct{}, 1), done: make(chan struct{})}
	w.model = NewModel(Config{Retain: o.Retain, Fault: w.faultSpan})
	target, there, err := otlp.ReadTarget(o.Getenv)
	if err != nil {
		return nil, err
	}
	if there {
		if w.forward, err = otlp.NewForward(target, o.Log); err != nil {
			return nil, err
		}
	}
	w.receiver, err = otlp.Listen(otlp.Config{Addr: o.Listen, HTTP: o.HTTP, Spans: w.spans, Store: w.store, Forward: w.forward})
	if err != nil {
		w.forward.Close()
		return nil, err
	}
	return w, nil
}

// Endpoint is what peers are to be given as OTEL_EXPORTER_OTLP_ENDPOINT.
func (w *Watch) Endpoint() string { return w.receiver.Endpoint() }

// Follow begins to watch a fleet, once. The simulator's own, whose methods one goroutine at a time may call, is not
// asked for anything: what events tell must do, and whoever drives it calls Look. That of package live says that it
// may be.
func (w *Watch) Follow(f fleet.Fleet) {
	w.follow.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		w.stop = stop
		l, ok := f.(interface{ Live() bool })
		ask := f.Engine() != "sim" || ok && l.Live()
		w.mu.Lock()
		if w.engine = f.Engine(); ask {
			w.clock = f.Now
		}
		w.mu.Unlock()
		w.cancel = f.Watch(w.event)
		if ask {
			w.Look(f.Now(), f.Peers())
		} else {
			f = nil
		}
		go w.run(ctx, f)
	})
}

// Look takes a fleet's list of its peers.
func (w *Watch) Look(now time.Time, peers []fleet.Peer) {
	w.mu.Lock()
	w.model.Peers(now, peers)
	w.identified()
	w.mu.Unlock()
	w.nudge()
}

// Take takes spans that came by another way than the receiver's port.
func (w *Watch) Take(rs *tracepb.ResourceSpans) { w.receiver.Take(rs) }

// Close ends everything.
func (w *Watch) Close() {
	w.follow.Do(func() { close(w.done) }) // it never followed anybody
	if w.cancel != nil {
		w.cancel()
	}
	if w.stop != nil {
		w.stop()
	}
	<-w.done
	w.receiver.Close()
	w.forward.Close()
}

// event takes what the fleet tells. It does not block.
func (w *Watch) event(e fleet.Event) {
	w.mu.Lock()
	w.model.Event(e)
	w.mu.Unlock()
	w.nudge()
}

func (w *Watch) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// spans takes what a peer sent, before it is kept: the model may add links.
func (w *Watch) spans(from *otlp.Resource, list []*tracepb.Span) {
	if from.PeerID == "" {
		return
	}
	w.mu.Lock()
	if w.model.runs[from.PeerID] == (runRef{}) {
		w.pending.add(from.PeerID, list)
	} else {
		for _, s := range list {
			w.model.Span(from.PeerID, s)
		}
	}
	w.mu.Unlock()
	w.nudge()
}

// maxPending bounds spans of peers whose IDs are not known yet: those of two seconds of fifty peers' start. The
// oldest go.
const maxPending = 8192

// pending is spans that came before we knew whose they are.
type pending struct{ list []pendingSpan }

type pendingSpan struct {
	id   string
	span *tracepb.Span
}

func (p *pending) add(id string, list []*tracepb.Span) {
	for _, s := range list {
		p.list = append(p.list, pendingSpan{id, s})
	}
	if n := len(p.list) - maxPending; n > 0 {
		p.list = append(p.list[:0:0], p.list[n:]...)
	}
}

// identified hands the model the spans of peers that are known by now.
func (w *Watch) identified() {
	keep := w.pending.list[:0]
	for _, p := range w.pending.list {
		if w.model.runs[p.id] != (runRef{}) {
			w.model.Span(p.id, p.span)
		} else {
			keep = append(keep, p)
		}
	}
	clear(w.pending.list[len(keep):])
	w.pending.list = keep
}

// faultSpan makes a fault's span. It is called with mu held.
func (w *Watch) faultSpan(f *Fault) (ref SpanRef) {
	rand.Read(ref.Trace[:])
	rand.Read(ref.Span[:])
	at := uint64(f.at.UnixNano())
	w.receiver.Emit(&otlp.Resource{Service: "lab", Instance: "lab"}, &tracepb.Span{
		TraceId: ref.Trace[:], SpanId: ref.Span[:], Name: "fault " + f.Kind, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
		StartTimeUnixNano: at, EndTimeUnixNano: at,
		Attributes: attrs{textAttr("hearsay.fault", f.Kind), textAttr("hearsay.what", f.What), textAttr("hearsay.peers", numbers(f.Peers))},
	})
	return ref
}

// run tells subscribers of changes, and asks peers how they are, until ctx ends.
func (w *Watch) run(ctx context.Context, f fleet.Fleet) {
	defer close(w.done)
	var polls poller
	defer polls.wait()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	flush := time.NewTimer(0)
	defer flush.Stop()
	armed := true
	for {
		select {
		case <-ctx.Done():
			w.flush()
			return
		case <-w.wake:
			if !armed {
				flush.Reset(flushAfter)
				armed = true
			}
		case <-flush.C:
			armed = false
			w.flush()
		case <-poll.C:
			if f != nil {
				polls.poll(ctx, w, f)
			}
			if !armed { // what only time changes: messages that have settled, rates
				flush.Reset(0)
				armed = true
			}
		}
	}
}

// flush keeps what has changed, and tells subscribers.
func (w *Watch) flush() {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.identified()
	w.model.begin(now)
	now = w.model.now
	b := w.model.Flush(now)
	if b == nil {
		return
	}
	if w.history.keyDue(now) {
		// Before the batch, which then is told of twice: that does no harm.
		w.history.add(entry{b.Seq - 1, now, true, encode(w.model.topology())})
	}
	w.history.add(entry{b.Seq, now, false, encode(b)})
	close(w.changed)
	w.changed = make(chan struct{})
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("a view cannot be written as JSON: " + err.Error())
	}
	return b
}
