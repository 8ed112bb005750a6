package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"hearsay/lab/sim"
	"hearsay/lab/sim/check"
	"hearsay/lab/sim/otlp"
	"hearsay/peer/planted"
)

// simCheckCmd looks for broken promises.
type simCheckCmd struct {
	Seeds    uint64    `default:"1000" help:"How many random schedules of faults to run."`
	From     uint64    `default:"1" help:"The first seed."`
	Peers    peerRange `default:"6..12" help:"How many peers a schedule has."`
	Parallel int       `help:"How many run side by side; by default as many as there are processors."`
	Replay   string    `help:"Run the schedule in this file (- is standard input), and tell what happens." placeholder:"FILE"`
	Trace    string    `help:"With --replay or one seed: write the run as spans (OTLP JSON), for Jaeger." placeholder:"FILE" type:"path"`
	All      bool      `help:"With --replay or one seed: tell everything, not only what led to the violation."`
	Planted  string    `help:"Plant a bug, and see it found (needs a build with -tags planted)." placeholder:"NAME"`
	JSON     bool      `help:"One JSON object on standard output."`
}

// maxCheckPeers is what one schedule may have: more than that, and nobody waits for a thousand of them.
const maxCheckPeers = 5000

// smallWorld is how many peers take little memory, even if it is collected seldom.
const smallWorld = 100

// peerRange is written 6..12, or 50.
type peerRange struct{ least, most int }

// UnmarshalText reads one number or two.
func (r *peerRange) UnmarshalText(b []byte) error {
	low, high, two := strings.Cut(string(b), "..")
	least, err := strconv.Atoi(low)
	most := least
	if err == nil && two {
		most, err = strconv.Atoi(high)
	}
	if err != nil || least < 3 || most < least || most > maxCheckPeers {
		return fmt.Errorf("%q is no number of peers: write it as 6..12 or 50 (3 to %d)", b, maxCheckPeers)
	}
	*r = peerRange{least, most}
	return nil
}

func (r peerRange) String() string {
	if r.least == r.most {
		return strconv.Itoa(r.least)
	}
	return fmt.Sprintf("%d..%d", r.least, r.most)
}

// simCheckResult is what --json prints.
type simCheckResult struct {
	Seeds      uint64         `json:"seeds"` // that were run
	Idle       uint64         `json:"idle"`  // of these, the ones in which nothing was at stake: they prove nothing
	Violations []simViolation `json:"violations"`
	Planted    *string        `json:"planted"`
	Faults     int            `json:"faults"`   // that took effect
	AtStake    int            `json:"at_stake"` // messages that were under way while one did
	Messages   int            `json:"messages"` // all that were said, in act two as well
	Events     uint64         `json:"events"`
	VirtualMS  int64          `json:"virtual_ms"`
	HealedMS   int64          `json:"healed_ms"` // of the mesh that took longest after the last fault
	Slowest    uint64         `json:"healed_seed"`
	WallMS     int64          `json:"wall_ms"`

	Enough      bool `json:"enough"`      // there were so many violations that the search ended
	Interrupted bool `json:"interrupted"` // seeds are those that were run until then
}

type simViolation struct {
	Seed   uint64 `json:"seed"`
	Rule   string `json:"rule"`
	Replay string `json:"replay"` // a command
	What   string `json:"what"`
}

// contradicts refuses what says how to search, where there is nothing to search.
func (c *simCheckCmd) contradicts(given map[string]bool) error {
	for _, name := range []string{"seeds", "from", "peers", "parallel"} {
		if c.Replay != "" && given[name] {
			return fmt.Errorf("--%s: --replay runs the one schedule that is in its file", name)
		}
	}
	return nil
}

func (c *simCheckCmd) check() error {
	switch {
	case c.Seeds < 1:
		return errors.New("--seeds 0: at least 1")
	case c.Seeds-1 > math.MaxUint64-c.From:
		return fmt.Errorf("--seeds %d: from --from %d on there are %d", c.Seeds, c.From, math.MaxUint64-c.From+1)
	case c.Parallel < 0 || c.Parallel > maxParallel:
		return fmt.Errorf("--parallel %d: 1 to %d", c.Parallel, maxParallel)
	case c.Seeds > 1 && c.Replay == "" && (c.Trace != "" || c.All):
		return errors.New("--trace and --all are for one run: say --replay FILE, or --seeds 1 --from SEED")
	}
	if err := writableTrace(c.Trace); err != nil {
		return err
	}
	if c.Planted == "" {
		return nil
	}
	bug, known := planted.Named(c.Planted)
	switch {
	case !known:
		var names []string
		for _, i := range planted.All() {
			names = append(names, i.Name)
		}
		return fmt.Errorf("--planted %s: there are %s", c.Planted, strings.Join(names, ", "))
	case !planted.Possible:
		return errors.New("--planted: this build has no bugs on purpose: go run -tags planted ./lab sim check …")
	}
	planted.Plant(bug)
	return nil
}

func (c *simCheckCmd) Run(ctx context.Context, k *kong.Context, s streams) error {
	given, err := givenOnce(k)
	if err == nil {
		err = c.contradicts(given)
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return misused(err)
	}
	if c.Parallel == 0 {
		c.Parallel = runtime.NumCPU()
	}
	if c.Replay != "" {
		schedule, err := c.read(s.in)
		if err != nil {
			return misused(fmt.Errorf("--replay %s: %w", c.Replay, err))
		}
		return c.tell(s, schedule)
	}
	if c.Trace != "" || c.All {
		return c.tell(s, check.Make(c.From, c.Peers.least, c.Peers.most))
	}
	return c.search(ctx, s)
}

// search runs many seeds.
func (c *simCheckCmd) search(ctx context.Context, s streams) error {
	if c.Peers.most <= smallWorld {
		// Worlds of a few megabytes come and go: a fifth of the time went into collecting them.
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	bar := newProgress(s.err)
	began := time.Now()
	stop := func() bool { return ctx.Err() != nil }
	search := check.Search{From: c.From, Seeds: c.Seeds, Least: c.Peers.least, Most: c.Peers.most, Parallel: c.Parallel, Stop: stop}
	search.Tell = func(r *check.Result) {
		if bar.due() {
			bar.show(float64(r.Seeds)/float64(c.Seeds), fmt.Sprintf("%s of %s, %s", count(int(r.Seeds)), things(int(c.Seeds), "seed"), things(len(r.Found), "violation")))
		}
	}
	r := search.Run()
	bar.done()
	out := simCheckResult{Seeds: r.Seeds, Idle: r.Idle, Violations: []simViolation{}, Planted: c.bug(), Faults: r.Faults, AtStake: r.AtStake, Messages: r.Messages,
		Events: r.Events, VirtualMS: r.Virtual.Milliseconds(), HealedMS: r.Healed.Milliseconds(), Slowest: r.Slowest, WallMS: time.Since(began).Milliseconds(), Enough: r.Enough}
	for i, f := range r.Found {
		v := simViolation{Seed: f.Seed, Rule: f.Violation.Rule, What: f.Violation.What, Replay: c.command("--from %d --seeds 1 --peers %v", f.Seed, c.Peers)}
		// The first is shrunk: the others are as like as not the same bug.
		if i == 0 && ctx.Err() == nil {
			v.Replay = c.explain(s, f, stop, v.Replay)
		}
		out.Violations = append(out.Violations, v)
	}
	out.Interrupted = ctx.Err() != nil
	var broken, interrupted error
	if n := len(r.Found); n > 0 {
		broken = fmt.Errorf("%d of %s break a promise", n, things(int(r.Seeds), "schedule"))
	}
	if out.Interrupted {
		interrupted = errInterrupted
	}
	if err := and(broken, interrupted, c.print(s.out, &out, func(w io.Writer) { summary(w, &out) })); err != nil {
		return failed(err)
	}
	return nil
}

// print prints a result, for programs or for people.
func (c *simCheckCmd) print(w io.Writer, r *simCheckResult, tell func(io.Writer)) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(r)
	}
	return written(w, tell)
}

// bug is the bug on purpose, or nil.
func (c *simCheckCmd) bug() *string {
	if c.Planted == "" {
		return nil
	}
	return &c.Planted
}

// command is how to run something again, by this build and with the same bug.
func (c *simCheckCmd) command(format string, args ...any) string {
	tags, bug := "", ""
	if planted.Possible {
		tags = " -tags planted"
	}
	if c.Planted != "" {
		bug = " --planted " + c.Planted
	}
	return fmt.Sprintf("go run%s ./lab sim check %s%s", tags, fmt.Sprintf(format, args...), bug)
}

// explain shrinks what a search has found, and tells it as a person can follow it. It returns the command that
// replays the smaller schedule.
func (c *simCheckCmd) explain(s streams, f check.Found, stop func() bool, replay string) string {
	w := s.out
	if c.JSON {
		w = s.err
	}
	fmt.Fprintf(w, "seed %d breaks a promise: %v\n", f.Seed, f.Violation)
	small := check.Shrink(f.Schedule, f.Violation.Rule, stop)
	fmt.Fprintf(w, "the smallest schedule found that does, %d steps of %d:\n\n%s\n", len(small.Steps), len(f.Schedule.Steps), indent(small.String()))
	if small.Seed != f.Seed {
		fmt.Fprintf(w, "What was left out changes what chance does to the rest, so it has the chance of seed %d.\n", small.Seed)
	}
	a := check.NewAccount()
	if o := small.Run(check.Options{Account: a}); o.Violation != nil {
		fmt.Fprintf(w, "what happens in it:\n\n%s\n", a.Around(o.Violation))
	}
	file := filepath.Join(os.TempDir(), c.fileName(f, small.String()))
	if err := os.WriteFile(file, []byte(small.String()), 0o600); err != nil {
		fmt.Fprintf(w, "the schedule is in no file: %v\n", err)
	} else {
		replay = c.command("--replay %s", file)
	}
	fmt.Fprintf(w, "to see it again: %s\n\n", replay)
	return replay
}

// fileName is one that no other schedule has: runs come one after another, with other bugs, and nobody's replay is to
// become another's.
func (c *simCheckCmd) fileName(f check.Found, text string) string {
	bug := ""
	if c.Planted != "" {
		bug = c.Planted + "-"
	}
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("hearsay-%sseed-%d-%s-%08x.txt", bug, f.Seed, f.Violation.Rule, h.Sum32())
}

func were(n int) string {
	if n == 1 {
		return "1 was"
	}
	return count(n) + " were"
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

func summary(w io.Writer, r *simCheckResult) {
	fmt.Fprintf(w, "%s, %s, %s, %s of virtual time, %s, in %s\n", things(int(r.Seeds), "schedule"), things(r.Faults, "fault"),
		things(r.Messages, "message"), (time.Duration(r.VirtualMS) * time.Millisecond).Round(time.Second), things(int(r.Events), "event"), (time.Duration(r.WallMS) * time.Millisecond).Round(time.Millisecond))
	if r.Idle > 0 {
		fmt.Fprintf(w, "%s of them prove nothing: no message was at stake\n", count(int(r.Idle)))
	}
	if r.HealedMS > 0 {
		fmt.Fprintf(w, "the slowest mesh was whole %v after the last fault (seed %d)\n", time.Duration(r.HealedMS)*time.Millisecond, r.Slowest)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(w, "seed %d: %s: %s\n    %s\n", v.Seed, v.Rule, v.What, v.Replay)
	}
	if r.Enough {
		fmt.Fprintf(w, "more is not looked for after %s\n", things(len(r.Violations), "violation"))
	}
	if len(r.Violations) == 0 {
		fmt.Fprintln(w, "no promise was broken")
	}
}

// read reads the schedule that is to be replayed.
func (c *simCheckCmd) read(in io.Reader) (*check.Schedule, error) {
	var b []byte
	var err error
	if c.Replay == "-" {
		b, err = io.ReadAll(in)
	} else {
		b, err = os.ReadFile(c.Replay)
	}
	if err != nil {
		return nil, err
	}
	return check.Parse(string(b))
}

// tell runs one schedule, and tells what happens.
func (c *simCheckCmd) tell(s streams, schedule *check.Schedule) error {
	a := check.NewAccount()
	o := check.Options{Account: a}
	var trace *otlp.Trace
	if c.Trace != "" {
		trace = otlp.New(schedule.Seed)
		o.Watch, o.Sampled = []sim.Watcher{trace}, true
	}
	began := time.Now()
	out := schedule.Run(o)
	v := out.Violation
	r := simCheckResult{Seeds: 1, Violations: []simViolation{}, Planted: c.bug(), Faults: out.Faults, AtStake: out.AtStake, Messages: out.Messages,
		Events: out.Events, VirtualMS: out.Virtual.Milliseconds(), HealedMS: out.Healed.Milliseconds(), WallMS: time.Since(began).Milliseconds()}
	if r.HealedMS > 0 {
		r.Slowest = schedule.Found
	}
	if out.Idle() && v == nil {
		r.Idle = 1
	}
	var err error
	if v != nil {
		replay := c.command("--from %d --seeds 1 --peers %v", schedule.Found, c.Peers)
		if c.Replay != "" {
			replay = c.command("--replay %s", c.Replay)
		}
		r.Violations = append(r.Violations, simViolation{Seed: schedule.Found, Rule: v.Rule, What: v.What, Replay: replay})
		err = v
	}
	err = and(err, c.print(s.out, &r, func(w io.Writer) {
		fmt.Fprintln(w, schedule)
		switch {
		case c.All:
			fmt.Fprint(w, a.All())
		case v != nil:
			fmt.Fprint(w, a.Around(v))
		}
		if v == nil {
			fmt.Fprintf(w, "no promise was broken: %s took effect; of %s %s under way meanwhile\n",
				things(out.Faults, "fault"), things(out.Messages, "message"), were(out.AtStake))
			if out.Idle() {
				fmt.Fprintln(w, "that proves nothing: no message was at stake")
			}
		}
	}))
	if trace != nil {
		err = and(err, keepTrace(s.err, trace, c.Trace))
	}
	if err != nil {
		return failed(err)
	}
	return nil
}
