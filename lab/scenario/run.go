package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/quantity"
)

// Config is how a scenario is run.
type Config struct {
	Seed    uint64
	Version string
	Began   time.Time // by the fleet's clock; the zero time is now
	// Progress is told what happens, for whoever waits. Nil is nobody.
	Progress func(at time.Duration, text string)
	// Events is told of everything that the fleet tells, one event at a time. Nil is nobody.
	Events func(fleet.Event)
	// Spans returns the spans that were collected so far, and how many there was no room for. Nil means that nobody
	// collects any.
	Spans func() (all []*tracepb.ResourceSpans, dropped int)
}

// settleFor is how long a run waits at its end for what is owed and late, if no expectation gives it longer.
const settleFor = 10 * time.Second

// run is one scenario being carried out. Its steps are done one after another by one goroutine. On engines
// whose time is real, speakers and the monitor have goroutines of their own; in virtual time all of it is
// done by the one, in pass.
type run struct {
	sc      *Scenario
	cfg     Config
	fleet   fleet.Fleet
	rng     *rand.Rand
	virtual bool
	began   time.Time
	line    int             // of the step that is done
	life    context.Context // of publications that are under way
	endLife context.CancelFunc

	// mu guards what follows. The fleet is never called with it held: it may be telling us something meanwhile.
	mu       sync.Mutex
	ledger   *ledger
	net      network
	marks    []Mark
	shaking  bool   // a step that shakes is being done
	shakes   string // its kind, or the last one's
	speakers []*speaker
	workers  map[int]*worker
	talking  sync.WaitGroup // speakers
	working  sync.WaitGroup // workers
	queued   int            // messages that wait for their workers
	skipped  int            // messages that were due and not said: nobody there, or too busy
	crashes  []string       // of peers that ended by themselves
	fullSaid bool           // the ledger is full, and that was told

	watch  *monitor
	fails  []Failure
	judged *judged       // in the end
	lasted time.Duration // likewise
}

// Failure is a step that could not be carried out.
type Failure struct {
	Line int    `json:"line"`
	Step string `json:"step"`
	Text string `json:"text"`
}

// Run carries the scenario out on a fleet in which nobody has started yet, and judges. The fleet is the
// caller's to close. An error means that there is nothing to judge: it is a fleet.ErrCannot if this engine
// or this machine cannot do a step. When ctx ends the run is cut short, and judged for what it was.
func Run(ctx context.Context, sc *Scenario, f fleet.Fleet, cfg Config) (*Result, error) {
	if err := sc.Can(f); err != nil {
		return nil, err
	}
	r := &run{
		sc: sc, cfg: cfg, fleet: f, virtual: f.Engine() == simfleet.Engine, began: cfg.Began,
		rng:    rand.New(rand.NewPCG(cfg.Seed, 0x7363656e6172696f)),
		ledger: newLedger(), workers: map[int]*worker{},
	}
	if r.began.IsZero() {
		r.began = f.Now()
	}
	r.life, r.endLife = context.WithCancel(context.Background())
	defer r.endLife()
	r.watch = newMonitor(r)
	cancel := f.Watch(r.event)
	defer cancel()
	stop := r.watch.start(ctx)
	defer stop()
	wall := time.Now()
	err := r.steps(ctx)
	if errors.Is(err, fleet.ErrCannot) {
		r.silence()
		return nil, err
	}
	r.settle(ctx)
	r.silence()
	stop()
	cancel()
	res := r.result(ctx)
	res.Wall = time.Since(wall)
	res.Verdict.Figures = r.figures(res.Wall)
	return res, nil
}

// Can returns why this fleet cannot do a step, as FILE:LINE: what.
func (s *Scenario) Can(f fleet.Fleet) error {
	faults, lines := s.Needs()
	for i, fault := range faults {
		if err := f.Can(fault); err != nil {
			return fleet.Cannot("%s:%d: the engine %s cannot %s here: %v", s.File, lines[i], f.Engine(), fault, err)
		}
	}
	return nil
}

// steps starts the peers, and does one step after the other until one fails.
func (r *run) steps(ctx context.Context) error {
	if err := r.add(ctx, r.sc.Peers, fleet.Options{}); err != nil {
		return r.failed(ctx, 1, "start the peers", err)
	}
	end := r.since()
	r.mu.Lock()
	r.marks = append(r.marks, Mark{Kind: begin, Text: fmt.Sprintf("%d peers start", r.sc.Peers), End: end, Meshed: -1, Flowed: -1, news: r.watch.news})
	r.mu.Unlock()
	r.say("%d peers started", r.sc.Peers)
	for _, st := range r.sc.Steps {
		r.line = st.Line
		if err := st.do(ctx, r); err != nil {
			return r.failed(ctx, st.Line, st.String(), err)
		}
		if err := ctx.Err(); err != nil {
			return r.failed(ctx, st.Line, st.String(), context.Cause(ctx))
		}
	}
	return nil
}

func (r *run) failed(ctx context.Context, line int, step string, err error) error {
	text := err.Error()
	if ctx.Err() != nil {
		text = "interrupted"
	}
	r.fails = append(r.fails, Failure{Line: line, Step: step, Text: text})
	r.say("%s: %s", step, text)
	return err
}

// settle waits for what is still to be said, for what is owed and late, and for what is still to be mended; after a
// step that failed, for what is late alone.
func (r *run) settle(ctx context.Context) {
	if why := r.unsaid(); why != "" && len(r.fails) == 0 {
		r.say("%s", why)
		if _, err := r.until(ctx, maxFor, func() bool { return r.unsaid() == "" }); err != nil && ctx.Err() == nil {
			r.failed(ctx, r.line, "wait for what is to be said", err)
		}
	}
	if r.hush(ctx) != nil {
		return
	}
	most := settleFor
	for _, e := range r.sc.Expect {
		if w, ok := e.claim.(interface{ patience() time.Duration }); ok {
			most = max(most, w.patience())
		}
	}
	r.say("waiting for what is late")
	ok, err := r.until(ctx, most, func() bool { return (len(r.fails) > 0 || r.watch.settled()) && r.missing() == "" })
	switch {
	case err != nil && len(r.fails) > 0: // the engine has failed before
	case err != nil:
		r.failed(ctx, r.line, "wait for what is late", err)
	case !ok:
		r.say("%v later, %s", most, firstOf(r.missing(), r.watch.why(), "the mesh is not mended"))
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// missing says what is owed and not delivered, or nothing.
func (r *run) missing() string {
	now := r.fleet.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queued > 0 {
		return fmt.Sprintf("%d messages wait to be said", r.queued)
	}
	return r.ledger.missing(r.terms(now))
}

// The peers' defaults for how long and how much they keep.
const (
	defaultRetain      = 10 * time.Minute
	defaultRetainBytes = 64 << 20
)

func (r *run) terms(now time.Time) terms {
	t := terms{now: now, side: r.net.side, retain: defaultRetain, retainBytes: defaultRetainBytes}
	if v, ok := r.sc.Options["retain"]; ok {
		t.retain, _ = time.ParseDuration(v) // it was checked
	}
	var n quantity.Bytes
	if v, ok := r.sc.Options["retain-bytes"]; ok && n.UnmarshalText([]byte(v)) == nil {
		t.retainBytes = int64(n)
	}
	return t
}

func (r *run) since() time.Duration { return r.fleet.Now().Sub(r.began) }

func (r *run) say(format string, args ...any) {
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.since(), fmt.Sprintf(format, args...))
	}
}
