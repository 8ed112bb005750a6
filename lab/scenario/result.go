package scenario

import (
	"context"
	"fmt"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/peer/node"
)

// Verdict is how a run came out. Its JSON is a contract.
type Verdict struct {
	Scenario     string    `json:"scenario"`
	Engine       string    `json:"engine"`
	Seed         uint64    `json:"seed"`
	Version      string    `json:"version"`
	OK           bool      `json:"ok"`
	Expectations []Outcome `json:"expectations"`
	Figures      Figures   `json:"figures"`
}

// Outcome is how one expectation came out.
type Outcome struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	OK   bool   `json:"ok"`
}

// Result is a run and everything that was noted of it.
type Result struct {
	Verdict     Verdict
	Scenario    *Scenario
	Interrupted bool
	Failures    []Failure
	Began       time.Time // by the engine's clock
	Lasted      time.Duration
	Wall        time.Duration
	Marks       []Mark
	Samples     []Sample
	Messages    []Message
	Peers       []Life
	Statuses    []*node.Status // what each peer that lived in the end said of itself
	Wrong       []string       // sentences about messages: who lacks what, and what was heard that should not have been
	Skipped     int            // messages that were due and not said
	Blind       uint64         // events of peers that could not be listened to

	Before, During, After *Topology
	Spans                 []*tracepb.ResourceSpans
	NoRoom                int // spans that there was no room for
}

// Message is one publication and how it fared.
type Message struct {
	Number   int
	ID       string
	Trace    string
	Peer     int
	Run      int
	At       time.Duration // since the run began
	Accepted bool
	Err      string
	Size     int
	Steady   bool
	Owed     int
	Made     int           // of the owed deliveries
	Last     time.Duration // since it was said, of these; negative if there was none
	Hops     int
	Lacking  []string
	Heard    []Delivery
}

// Delivery is one delivery, so long after its message was said.
type Delivery struct {
	Peer, Run int
	After     time.Duration
	Hops      int
}

// Life is one run of one peer.
type Life struct {
	Peer, Run int
	ID        string
	Started   time.Duration
	Ended     time.Duration // negative while it lives
	Clean     bool
	Siphoner  bool
	Spoken    int
	Missed    uint64
}

// result judges, and gathers what there is.
func (r *run) result(ctx context.Context) *Result {
	r.watch.look(context.WithoutCancel(ctx))
	now := r.fleet.Now()
	r.lasted = now.Sub(r.began)
	r.mu.Lock()
	r.watch.calm.end()
	r.watch.after = r.watch.topology()
	if r.watch.before == nil {
		r.watch.before = r.watch.after
	}
	r.judged = r.ledger.judge(r.terms(now))
	r.flow()
	r.mu.Unlock()
	r.awaitSpans(ctx)

	v := Verdict{Scenario: r.sc.Name, Engine: r.fleet.Engine(), Seed: r.cfg.Seed, Version: r.cfg.Version, OK: ctx.Err() == nil}
	for _, f := range r.fails {
		v.add("steps", "all carried out", fmt.Sprintf("%s (line %d): %s", f.Step, f.Line, f.Text), false)
	}
	if n := len(r.crashes); n > 0 {
		v.add("crashed", "nobody", fmt.Sprintf("%d: %s; its log says why", n, r.crashes[0]), false)
	}
	for _, e := range r.sc.Expect {
		got, ok := e.judge(r)
		v.add(e.Kind, e.want(), got, ok)
	}
	res := &Result{
		Scenario: r.sc, Interrupted: ctx.Err() != nil, Failures: r.fails, Began: r.began, Lasted: r.lasted,
		Marks: r.marks, Samples: r.watch.samples, Skipped: r.skipped, Blind: r.blind(),
		Before: r.watch.before, During: r.watch.during, After: r.watch.after,
	}
	for _, st := range r.watch.view.statuses {
		if st != nil {
			res.Statuses = append(res.Statuses, st)
		}
	}
	if r.cfg.Spans != nil {
		res.Spans, res.NoRoom = r.cfg.Spans()
	}
	r.gather(res)
	res.Verdict = v
	return res
}

func (v *Verdict) add(name, want, got string, ok bool) {
	v.Expectations = append(v.Expectations, Outcome{name, want, got, ok})
	v.OK = v.OK && ok
}

// gather copies what the ledger holds.
func (r *run) gather(res *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return -1
		}
		return t.Sub(r.began)
	}
	for _, l := range r.ledger.lives {
		res.Peers = append(res.Peers, Life{
			Peer: l.peer, Run: l.run, ID: l.id, Started: since(l.started), Ended: since(l.ended), Clean: l.clean,
			Siphoner: l.siphoner, Spoken: l.spoken, Missed: l.missed,
		})
	}
	for i, s := range r.ledger.said {
		f := &r.judged.fates[i]
		m := Message{
			Number: s.n, ID: s.id, Trace: s.trace, Peer: s.by.peer, Run: s.by.run, At: since(s.begun),
			Accepted: s.accepted, Err: s.err, Size: s.size, Steady: s.steady, Owed: f.owed, Made: f.made, Last: -1, Hops: f.hops,
		}
		if f.made > 0 {
			m.Last = f.last.Sub(s.begun)
		}
		for _, l := range f.lacking {
			m.Lacking = append(m.Lacking, l.String())
		}
		for _, h := range s.heard {
			m.Heard = append(m.Heard, Delivery{h.life.peer, h.life.run, h.at.Sub(s.begun), h.hops})
		}
		res.Messages = append(res.Messages, m)
	}
	res.Wrong = append(res.Wrong, r.judged.sentences...)
	for i := range r.ledger.wrong {
		res.Wrong = append(res.Wrong, r.ledger.wrong[i].first...)
	}
}
