package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/peer/node"
)

// liar is a fleet of simulated peers that does not tell the truth about them: what an engine with a bug, or a peer
// with one, would look like from outside.
type liar struct {
	*simfleet.Fleet
	events func(e fleet.Event, tell func(fleet.Event)) // nil: the truth
	status func(peer int, s *node.Status)
	can    func(fleet.Fault) error
	sleep  func(at time.Time) error
}

func (l *liar) Watch(f func(fleet.Event)) func() {
	return l.Fleet.Watch(func(e fleet.Event) {
		if l.events == nil {
			f(e)
			return
		}
		l.events(e, f)
	})
}

func (l *liar) Status(ctx context.Context, peer int) (*node.Status, error) {
	s, err := l.Fleet.Status(ctx, peer)
	if err == nil && l.status != nil {
		l.status(peer, s)
	}
	return s, err
}

func (l *liar) Can(f fleet.Fault) error {
	if l.can != nil {
		return l.can(f)
	}
	return nil
}

func (l *liar) Sleep(ctx context.Context, d time.Duration) error {
	if l.sleep != nil {
		if err := l.sleep(l.Now()); err != nil {
			return err
		}
	}
	return l.Fleet.Sleep(ctx, d)
}

func newLiar(t *testing.T, seed uint64) *liar {
	t.Helper()
	c, err := simfleet.Config(fleet.Config{}, seed)
	if err != nil {
		t.Fatal(err)
	}
	return &liar{Fleet: simfleet.New(c)}
}

const story = `
name: A short story
peers: 4
steps:
  - wait: meshed
  - send: {rate: 20/s}
  - sleep: 4s
  - kill: 4
  - wait: meshed
  - sleep: 1s
  - stop: send
expect:
  - lost: 0
  - duplicated: 0
  - out-of-order: 0
  - unexpected: 0
  - meshed: {within: 5s, after: kill}
  - delivered: {within: 5s, after: kill}
  - rmr: {at-most: 0.1}
  - traced: {at-least: 100%}
`

// tell runs the story on a liar.
func tell(t *testing.T, l *liar, text string) *Result {
	t.Helper()
	sc, err := Parse("story.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	spans := l.Spans
	res, err := Run(t.Context(), sc, l, Config{Seed: 1, Version: "test", Spans: spans})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// nth has something done to the n-th delivery only.
func nthDelivery(n int, do func(e fleet.Event, tell func(fleet.Event))) func(fleet.Event, func(fleet.Event)) {
	return func(e fleet.Event, tell func(fleet.Event)) {
		if e.Kind == fleet.Delivered {
			if n--; n == 0 {
				do(e, tell)
				return
			}
		}
		tell(e)
	}
}

// TestVerdictCatches tells lies about a run in which all is well, and wants the right expectations to fail.
func TestVerdictCatches(t *testing.T) {
	var held *fleet.Event
	for _, test := range []struct {
		name  string
		lie   func(l *liar)
		fails string // the names, in order
	}{
		{"the truth", func(*liar) {}, ""},
		{"a delivery that nobody made", func(l *liar) { l.events = nthDelivery(50, func(fleet.Event, func(fleet.Event)) {}) }, "lost delivered"},
		{"a delivery twice", func(l *liar) {
			l.events = nthDelivery(50, func(e fleet.Event, tell func(fleet.Event)) { tell(e); tell(e) })
		}, "duplicated"},
		{"a delivery after later ones of its publisher", func(l *liar) {
			held = nil
			first := nthDelivery(50, func(e fleet.Event, _ func(fleet.Event)) { held = &e })
			l.events = func(e fleet.Event, tell func(fleet.Event)) {
				first(e, tell)
				if held != nil && held.Peer == e.Peer && e.Kind == fleet.Delivered && held.Message.Origin == e.Message.Origin && held.Message.Seq < e.Message.Seq {
					tell(*held)
					held = nil
				}
			}
		}, "out-of-order"},
		{"a delivery of what nobody said", func(l *liar) {
			l.events = nthDelivery(50, func(e fleet.Event, tell func(fleet.Event)) {
				tell(e)
				m := *e.Message
				m.Text = "buy more gold"
				e.Message = &m
				tell(e)
			})
		}, "unexpected"},
		{"a peer that could not be listened to", func(l *liar) {
			l.events = nthDelivery(50, func(e fleet.Event, tell func(fleet.Event)) {
				tell(e)
				tell(fleet.Event{Kind: fleet.Missed, Peer: e.Peer, Run: e.Run, Count: 7})
			})
		}, "lost duplicated out-of-order unexpected"},
		{"a peer that crashes", func(l *liar) {
			l.events = nthDelivery(50, func(e fleet.Event, tell func(fleet.Event)) {
				tell(e)
				tell(fleet.Event{At: e.At, Kind: fleet.Ended, Peer: 4, Run: 1, Reason: "crash"})
			})
		}, "crashed"},
		{"a link that will not go away", func(l *liar) {
			l.status = func(peer int, s *node.Status) {
				if p := l.Peers(); peer == 1 && !p[3].Alive {
					s.Links = append(s.Links, node.LinkStatus{ID: p[3].ID, Name: "peer-4", Dir: "out"})
				}
			}
		}, "steps meshed"},
		{"twice the copies", func(l *liar) {
			l.status = func(_ int, s *node.Status) { s.Messages.Duplicates += s.Messages.Delivered }
		}, "rmr"},
		{"a promise that the simulator sees broken", func(l *liar) {
			begun := l.Now()
			l.sleep = func(at time.Time) error {
				if at.Sub(begun) > 3*time.Second && l.World().Failed() == nil {
					l.Partition(context.Background(), []int{1}, []int{2, 3, 4})
					l.World().Settle(10 * time.Second) // it demands one mesh, which cannot be
				}
				return nil
			}
		}, "steps"},
		{"an engine that breaks down", func(l *liar) {
			begun := l.Now()
			l.sleep = func(at time.Time) error {
				if at.Sub(begun) > 4500*time.Millisecond {
					return errors.New("the machine is on fire")
				}
				return nil
			}
		}, "steps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLiar(t, 1)
			test.lie(l)
			res := tell(t, l, story)
			var fails []string
			for _, e := range res.Verdict.Expectations {
				if !e.OK {
					fails = append(fails, e.Name)
					t.Logf("%s: want %s, got %s", e.Name, e.Want, e.Got)
				}
			}
			// A run that was cut short fails in more than its steps; that it fails in them is what counts.
			got := strings.Join(fails, " ")
			if test.fails == "steps" && strings.HasPrefix(got, "steps") {
				got = "steps"
			}
			if got != test.fails || res.Verdict.OK != (test.fails == "") {
				t.Errorf("%q fail, want %q; the verdict is %t", got, test.fails, res.Verdict.OK)
			}
		})
	}
}

// TestTracesAreChecked takes spans away, one at a time.
func TestTracesAreChecked(t *testing.T) {
	for _, test := range []struct {
		name string
		keep func(s *tracepb.Span) bool
		ok   bool
	}{
		{"all spans", func(*tracepb.Span) bool { return true }, true},
		{"no publication", func(s *tracepb.Span) bool { return s.Name != "publish mesh" }, false},
		{"no delivery", func(s *tracepb.Span) bool { return s.Name != "process mesh" }, false},
		{"no announcement", func(s *tracepb.Span) bool { return s.Name != "announce" }, true},
	} {
		l := newLiar(t, 1)
		sc, err := Parse("story.yaml", []byte(story))
		if err != nil {
			t.Fatal(err)
		}
		spans := func() (kept []*tracepb.ResourceSpans, dropped int) {
			all, _ := l.Spans()
			for _, rs := range all {
				ss := rs.ScopeSpans[0]
				var some []*tracepb.Span
				for _, s := range ss.Spans {
					if test.keep(s) {
						some = append(some, s)
					}
				}
				ss.Spans = some
				kept = append(kept, rs)
			}
			return kept, 0
		}
		res, err := Run(t.Context(), sc, l, Config{Seed: 1, Spans: spans})
		if err != nil {
			t.Fatal(err)
		}
		last := res.Verdict.Expectations[len(res.Verdict.Expectations)-1]
		if last.Name != "traced" || last.OK != test.ok {
			t.Errorf("with %s, traced is %+v", test.name, last)
		}
		l.Close()
	}
}

// TestSameSeedSameVerdict compares two runs byte by byte, but for what is the machine's.
func TestSameSeedSameVerdict(t *testing.T) {
	machine := regexp.MustCompile(`"(wall_ms|rss_bytes)":[0-9.e+]+`)
	verdict := func(file string, seed uint64) string {
		sc, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		res := simulated(t, sc, seed)
		b, err := json.Marshal(res.Verdict)
		if err != nil {
			t.Fatal(err)
		}
		if !machine.Match(b) {
			t.Error("the verdict does not tell the machine's time and memory")
		}
		return machine.ReplaceAllString(string(b), "") + fmt.Sprintf("%+v %+v %+v", res.Messages, res.Samples, res.Marks)
	}
	for _, file := range []string{"../scenarios/churn.yaml", "../scenarios/partition.yaml", "../scenarios/half-killed.yaml"} {
		first := verdict(file, 5)
		if verdict(file, 5) != first {
			t.Errorf("%s: the same seed gave another run", file)
		}
		if verdict(file, 6) == first {
			t.Errorf("%s: another seed gave the same run", file)
		}
	}
}

// TestManySeeds runs each scenario with some more seeds: what ships must not hang on one.
func TestManySeeds(t *testing.T) {
	for _, name := range []string{"churn", "half-killed", "silent-death", "slow-and-lossy", "siphoners"} {
		sc, err := Load("../scenarios/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for seed := uint64(100); seed < 102; seed++ {
			if v := simulated(t, sc, seed).Verdict; !v.OK {
				t.Errorf("%s, seed %d: %+v", name, seed, v.Expectations)
			}
		}
	}
}

func TestCannot(t *testing.T) {
	l := newLiar(t, 1)
	l.can = func(f fleet.Fault) error {
		if f == fleet.FaultKill {
			return fleet.Cannot("nobody may die here")
		}
		return nil
	}
	sc, err := Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), sc, l, Config{})
	if !errors.Is(err, fleet.ErrCannot) || !strings.Contains(err.Error(), "story.yaml:8: the engine sim cannot kill here: nobody may die here") {
		t.Errorf("the run ends with %v", err)
	}
	if len(l.Peers()) > 0 {
		t.Error("peers were started for a scenario that cannot be carried out")
	}
}

// TestInterrupted wants a run that is cut short to be judged for what it was.
func TestInterrupted(t *testing.T) {
	l := newLiar(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	begun := l.Now()
	l.sleep = func(at time.Time) error {
		if at.Sub(begun) > 2*time.Second {
			cancel()
		}
		return nil
	}
	sc, err := Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	res, err := Run(ctx, sc, l, Config{})
	if err != nil {
		t.Fatal(err)
	}
	v := res.Verdict
	if v.OK || !res.Interrupted || v.Expectations[0].Name != "steps" || !strings.HasSuffix(v.Expectations[0].Got, "interrupted") {
		t.Errorf("the verdict is %+v", v)
	}
	if len(res.Messages) < 20 || v.Figures.Published != len(res.Messages) {
		t.Errorf("%d messages are told of", len(res.Messages))
	}
}

// TestWaitsThatFail wants the step to be named, what it waited for, and what was in the way.
func TestWaitsThatFail(t *testing.T) {
	res := tell(t, newLiar(t, 1), `
name: A wait for what cannot be
peers: 4
steps:
  - wait: meshed
  - send: {count: 5}
  - isolate: 4
  - send: {from: 1, count: 5, rate: 100/s}
  - sleep: 1s
  - kill: [2, 3]
  - wait: {delivered: true, timeout: 2s}
  - pause: 1
  - wait: {delivered: true, meshed: true, timeout: 2s}
  - kill: 3
expect:
  - lost: 0
`)
	e := res.Verdict.Expectations[0]
	if e.Name != "steps" || !strings.Contains(e.Got, `kill 3 (line 14): peer-3 has ended`) {
		t.Errorf("the verdict begins with %+v", e)
	}
}

// counted are scenarios that say so many messages, and how many.
var counted = []struct {
	name, steps string
	published   int
}{
	{"and wait for them", "  - send: {rate: 20/s, count: 10}\n  - wait: delivered", 10},
	{"and end at once", "  - send: {rate: 20/s, count: 10}", 10},
	{"for longer than a wait lasts", "  - send: {rate: 10/s, count: 400}\n  - wait: delivered", 400},
	{"two at a time", "  - send: {rate: 50/s, count: 10}\n  - send: {rate: 10/s, count: 7}\n  - wait: delivered\n  - stop: send", 17},
	{"and are stopped", "  - send: {rate: 1/s, count: 10}\n  - sleep: 2500ms\n  - stop: send\n  - wait: delivered", 3},
	{"with no end, and wait for the first", "  - send: {rate: 1/s}\n  - wait: delivered", 1},
}

func countedStory(steps string) string {
	return "name: So many\npeers: 4\nsteps:\n  - wait: meshed\n" + steps + "\nexpect:\n  - lost: 0\n"
}

// TestCounted wants a send with a count to be waited for.
func TestCounted(t *testing.T) {
	for _, test := range counted {
		t.Run(test.name, func(t *testing.T) {
			v := tell(t, newLiar(t, 1), countedStory(test.steps)).Verdict
			if !v.OK || v.Figures.Published != test.published || v.Figures.Delivered != 3*test.published {
				t.Errorf("want %d messages: %+v", test.published, v)
			}
		})
	}
	v := tell(t, newLiar(t, 1), countedStory("  - send: {rate: 10/s, count: 100}\n  - wait: {delivered: true, timeout: 2s}")).Verdict
	if e := v.Expectations[0]; v.OK || e.Name != "steps" || !strings.Contains(e.Got, "not within 2s: 79 of 100 messages are still to be said") {
		t.Errorf("a wait that is too short: %+v", v)
	}
}

// TestFiguresOfTheStory checks the arithmetic where it can be told from the story what must come out.
func TestFiguresOfTheStory(t *testing.T) {
	res := tell(t, newLiar(t, 1), story)
	f := res.Verdict.Figures
	var heard, owed, hops int
	var worst time.Duration
	for _, m := range res.Messages {
		heard += len(m.Heard)
		owed += m.Owed
		if m.Steady {
			hops = max(hops, m.Hops)
		}
		worst = max(worst, m.Last)
		if m.Owed != m.Made || m.Owed == 0 || m.Owed > 3 {
			t.Errorf("message %d is owed to %d and had by %d", m.Number, m.Owed, m.Made)
		}
	}
	switch {
	case f.Peers != 4, f.Published != len(res.Messages), f.Delivered != heard, f.Lost+f.Duplicated+f.OutOfOrder+f.Unexpected != 0:
		t.Errorf("the counts are not those of %d messages and %d deliveries: %+v", len(res.Messages), heard, f)
	case f.Reliability != 1, f.RMR < 0, f.LDHMax != hops, f.LatencyMax != ms(worst), f.LatencyP50 > f.LatencyP95, f.LatencyP95 > f.LatencyMax:
		t.Errorf("the measures of messages are wrong: %+v", f)
	case f.FormedMS <= 0, f.HealedMS != ms(res.Marks[1].Meshed), f.FlowedMS != ms(res.Marks[1].Flowed), f.FlowedMS < 0, f.AnnouncePerS < 0:
		t.Errorf("the times are wrong: %+v", f)
	case f.VirtualMS != ms(res.Lasted), f.Events == 0, f.RSS == 0, f.WallMS == 0:
		t.Errorf("the simulator's figures are missing: %+v", f)
	}
	// 20 a second for five seconds and what the waits took.
	if f.Published < 100 || f.Published > 110 {
		t.Errorf("%d messages were said", f.Published)
	}
}

// TestLatencyUnderFaults has messages wait for the end of a cut, and wants that to be told.
func TestLatencyUnderFaults(t *testing.T) {
	sc, err := Load("../scenarios/partition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	res := simulated(t, sc, 1)
	var worst time.Duration
	for _, m := range res.Messages {
		worst = max(worst, m.Last)
	}
	f := res.Verdict.Figures
	if worst < time.Second || f.LatencyMax != ms(worst) || f.LatencyP95 < 1000 || f.LatencyP50 > f.LatencyP95 {
		t.Errorf("the slowest message took %v, and the figures are %+v", worst, f)
	}
}

// slow is a fleet whose peers take a while to be up.
type slow struct{ *liar }

func (s slow) Add(ctx context.Context, n int, o fleet.Options) ([]int, error) {
	added, err := s.liar.Add(ctx, n, o)
	if err == nil {
		err = s.Sleep(ctx, 600*time.Millisecond)
	}
	return added, err
}

// TestMeshedAfter wants what is told of a run, and its figures, to count from the same instants.
func TestMeshedAfter(t *testing.T) {
	l := newLiar(t, 1)
	defer l.Close()
	sc, err := Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	res, err := Run(t.Context(), sc, slow{l}, Config{Seed: 1, Spans: l.Spans, Progress: func(_ time.Duration, text string) {
		if after, ok := strings.CutPrefix(text, "meshed after "); ok {
			told = append(told, strings.SplitN(after, ":", 2)[0])
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := res.Verdict.Figures
	want := []string{short(time.Duration(f.FormedMS * 1e6)), short(time.Duration(f.HealedMS * 1e6))}
	if !slices.Equal(told, want) || f.FormedMS < 600 || f.HealedMS < 1 {
		t.Errorf("told are %q, and the figures are %q", told, want)
	}
}

func TestRank(t *testing.T) {
	var ten []time.Duration
	for i := range 10 {
		ten = append(ten, time.Duration(i+1))
	}
	if rank(ten, 0.5) != 5 || rank(ten, 0.95) != 10 || rank(ten[:1], 0.5) != 1 || rank(ten, 0) != 1 {
		t.Error("rank is not by nearest rank", rank(ten, 0.5), rank(ten, 0.95))
	}
}

func TestSamplesAreThinned(t *testing.T) {
	l := newLiar(t, 1)
	r := &run{sc: &Scenario{}, fleet: l, virtual: true, began: l.Now(), ledger: newLedger(), rng: rand.New(rand.NewPCG(1, 1))}
	m := newMonitor(r)
	m.view = &view{}
	for i := range 3 * maxSamples {
		m.sample(r.began.Add(time.Duration(i) * lookQuiet))
	}
	if n := len(m.samples); n > maxSamples || n < maxSamples/2 {
		t.Errorf("%d samples are kept, of at most %d", n, maxSamples)
	}
	last := m.samples[len(m.samples)-1].At
	if want := time.Duration(3*maxSamples) * lookQuiet; want-last > 4*m.every {
		t.Errorf("the last sample is of %v, and the run took %v", last, want)
	}
}
