package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
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

// settle waits for what is owed and late, and for what is still to be mended; after a step that failed, for
// what is late alone.
func (r *run) settle(ctx context.Context) {
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

// shake does what shakes the peers or the network, and marks it.
func (r *run) shake(ctx context.Context, kind, text string, do func(context.Context) error) error {
	r.say("%s", text)
	r.watch.disturb(ctx)
	at := r.since()
	r.mu.Lock()
	r.shaking, r.shakes = true, kind
	r.mu.Unlock()
	err := do(ctx)
	end := r.since()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shaking = false
	r.cut(at, end)
	r.watch.changed()
	r.marks = append(r.marks, Mark{Kind: kind, Text: text, Line: r.line, At: at, End: end, Meshed: -1, Flowed: -1, news: r.watch.news})
	return err
}

// cut notes from when on the network is cut or somebody paused, how, and when nothing is any more, after a step
// that lasted from at to end.
func (r *run) cut(at, end time.Duration) {
	net, paused := r.net, map[int]bool{}
	for _, l := range r.ledger.lives {
		if l.lives() && l.paused {
			paused[l.peer] = true
		}
	}
	broken := !net.whole() || len(paused) > 0
	l := r.ledger
	open := len(l.cuts) > 0 && l.cuts[len(l.cuts)-1].to.IsZero()
	if broken && !open {
		l.cuts = append(l.cuts, cut{from: r.began.Add(at)})
	}
	if len(l.cuts) == 0 {
		return
	}
	last := &l.cuts[len(l.cuts)-1]
	switch {
	case broken:
		last.sides = append(last.sides, func(peer int) int {
			if paused[peer] {
				return -peer
			}
			return net.side(peer)
		})
	case open:
		last.to, last.bytes = r.began.Add(end), l.bytes
	}
}

// add starts more peers.
func (r *run) add(ctx context.Context, n int, o fleet.Options) error {
	if o.Siphoner {
		// They must be known for what they are before they say anything.
		r.watch.expectSiphoners(n)
	}
	added, err := r.fleet.Add(ctx, n, o)
	if err != nil {
		return err
	}
	r.changed(added...)
	return nil
}

// changed notes that something was done to the processes of peers: who lives is known to be up.
func (r *run) changed(peers ...int) {
	all, now := r.fleet.Peers(), r.fleet.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch.changed()
	for _, n := range peers {
		p := placeOf(all, n)
		if !p.Alive {
			continue
		}
		l := r.ledger.begin(n, p.Run, p.Started, r.watch.siphoner(n))
		l.id, l.paused = p.ID, p.Paused
		if l.up.IsZero() {
			l.up = now
		}
	}
}

// placeOf is the place of a number; the zero Peer if there is none.
func placeOf(all []fleet.Peer, number int) fleet.Peer {
	for _, p := range all {
		if p.Number == number {
			return p
		}
	}
	return fleet.Peer{}
}

// event takes what the fleet tells.
func (r *run) event(e fleet.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case fleet.Started:
		r.ledger.begin(e.Peer, e.Run, e.At, r.watch.siphoner(e.Peer))
	case fleet.Ended:
		r.ledger.end(e.Peer, e.Run, e.At, e.Reason == "stop")
		if e.Reason != "stop" && e.Reason != "kill" {
			r.crashes = append(r.crashes, fmt.Sprintf("peer-%d (run %d) at %s", e.Peer, e.Run, short(e.At.Sub(r.began))))
		}
	case fleet.Paused, fleet.Resumed:
		if l := r.ledger.now[e.Peer]; l != nil && l.run == e.Run {
			l.paused = e.Kind == fleet.Paused
		}
	case fleet.Delivered:
		r.ledger.hear(e.Peer, e.Run, e.Message, e.At)
	case fleet.Missed:
		if l := r.ledger.now[e.Peer]; l != nil {
			l.missed += e.Count
		}
	}
	r.watch.event(&e)
	if r.cfg.Events != nil {
		r.cfg.Events(e)
	}
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

func name(peer int) string { return "peer-" + strconv.Itoa(peer) }
