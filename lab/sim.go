package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"hearsay/lab/plots"
	"hearsay/lab/quantity"
	"hearsay/lab/sim"
	"hearsay/lab/sim/otlp"
)

// simCmd runs whole peers in virtual time.
type simCmd struct {
	Run   simRunCmd   `cmd:"" default:"withargs" help:"One run, with a readable account (the default)."`
	Check simCheckCmd `cmd:"" help:"Look for broken promises in random schedules of faults."`
	Curve simCurveCmd `cmd:"" help:"How many hear the first message after 10 to 95 % of the peers have died."`
}

// givenOnce are the flags that somebody wrote. Of one that is written twice nobody knows which is meant.
func givenOnce(k *kong.Context) (map[string]bool, error) {
	given := map[string]bool{}
	for _, p := range k.Path {
		if p.Flag == nil {
			continue
		}
		if given[p.Flag.Name] && !p.Flag.IsCumulative() {
			return nil, fmt.Errorf("--%s: said twice", p.Flag.Name)
		}
		given[p.Flag.Name] = true
	}
	return given, nil
}

var errInterrupted = errors.New("interrupted: this is what was found until then")

// simNetwork are the flags of what peers live in.
type simNetwork struct {
	Seed      uint64         `default:"1" help:"Same seed, same run."`
	Links     int            `default:"3" help:"Outgoing links that a peer wants."`
	Serve     int            `default:"6" help:"Incoming links that a peer serves."`
	Latency   quantity.Range `default:"50us..250us" help:"How long a packet takes."`
	Loss      quantity.Share `default:"0%" help:"Share of packets that are lost."`
	Multicast bool           `default:"true" negatable:"" help:"Multicast works."`
	Domains   int            `default:"1" help:"Multicast domains that the peers are dealt into; they need --join to meet."`
	Join      bool           `help:"Peers look up a name that stands for some of them."`
	Retain    time.Duration  `default:"10m" help:"How long peers keep messages for those who missed them."`
	RetainMax quantity.Bytes `name:"retain-bytes" default:"1MiB" help:"How much of them."`
}

func (f *simNetwork) config() sim.Config {
	return sim.Config{
		Seed: f.Seed, LatencyMin: f.Latency.Min, LatencyMax: f.Latency.Max, Jitter: 0.1, Loss: float64(f.Loss),
		NoMulticast: !f.Multicast, Domains: f.Domains, Join: f.Join,
		Links: f.Links, Serve: f.Serve, Retain: f.Retain, RetainBytes: int(f.RetainMax),
	}
}

// check finds what a Config takes for its defaults.
func (f *simNetwork) check() error {
	switch {
	case f.Links < 1 || f.Serve < 1:
		return fmt.Errorf("--links %d, --serve %d: at least 1", f.Links, f.Serve)
	case f.Domains < 1:
		return fmt.Errorf("--domains %d: at least 1", f.Domains)
	case f.Retain < time.Second:
		return fmt.Errorf("--retain %v: at least 1s", f.Retain)
	case f.RetainMax < 64<<10 || f.RetainMax > 1<<30:
		return fmt.Errorf("--retain-bytes %v: 64KiB to 1GiB", f.RetainMax)
	case f.Latency.Max == 0:
		return fmt.Errorf("--latency 0: nothing arrives before it was sent: say 1us for hardly any")
	}
	return nil
}

// simPlan are the flags of one run.
type simPlan struct {
	Peers     int            `default:"1000" help:"How many peers."`
	Within    time.Duration  `default:"10s" help:"The peers start one by one within this time."`
	Messages  int            `default:"100" help:"Messages that one peer publishes while nothing is broken."`
	Rate      quantity.Rate  `default:"20/s" help:"How many of them in a second."`
	Size      quantity.Bytes `default:"100B" help:"Size of a message."`
	Kill      quantity.Share `help:"Kill this share of the peers at one instant." placeholder:"80%"`
	Silent    bool           `help:"The killed go with their machines: nobody tells their neighbors."`
	At        *time.Duration `help:"When something breaks; by default when all messages are through." placeholder:"60s"`
	Partition string         `help:"Cut the network in half: ${enum}." enum:"none,half" default:"none"`
	For       time.Duration  `help:"How long the partition, or the churn, lasts." placeholder:"120s"`
	Churn     quantity.Rate  `help:"Kill so many peers in a second, and start them again." placeholder:"1/s"`
	Siphoners int            `help:"Peers beside the others that nobody can dial."`
	Rest      time.Duration  `help:"In the end let the mesh rest, and count its announcements for so long." placeholder:"60s"`
	Broadcast string         `enum:"plumtree,flood" default:"plumtree" help:"How messages spread: ${enum}."`
	simNetwork
}

func (f *simPlan) plan() (sim.Plan, error) {
	p := sim.Plan{
		Config: f.config(), Peers: f.Peers, Within: f.Within, Messages: f.Messages, Rate: float64(f.Rate), Size: int(f.Size),
		Kill: float64(f.Kill), Silent: f.Silent, Partition: f.Partition == "half", For: f.For,
		Churn: float64(f.Churn), Siphoners: f.Siphoners, Rest: f.Rest,
	}
	p.Flood = f.Broadcast == "flood"
	if f.At != nil {
		if p.At = *f.At; p.At <= 0 {
			return p, fmt.Errorf("--at %v: later than that; without it something breaks when all messages are through", p.At)
		}
	}
	if err := f.check(); err != nil {
		return p, err
	}
	if err := p.Check(); err != nil {
		return p, err
	}
	kept := min(int64(f.RetainMax), int64(f.Messages)*(int64(f.Size)+messageBytes))
	return p, enoughMemory(f.Peers, f.Siphoners, kept, 1)
}

type simRunCmd struct {
	simPlan
	Plots string `help:"Draw pictures of the run into this folder." placeholder:"DIR" type:"path"`
	Trace string `help:"Write the run as spans (OTLP JSON) into this file, for Jaeger." placeholder:"FILE" type:"path"`
	JSON  bool   `help:"One JSON object on standard output."`
}

func (c *simRunCmd) Run(ctx context.Context, k *kong.Context, s streams) error {
	if _, err := givenOnce(k); err != nil {
		return misused(err)
	}
	p, err := c.plan()
	if err != nil {
		return misused(err)
	}
	p.Record = c.Plots != ""
	p.Sampled = c.Trace != ""
	if err := c.writable(); err != nil {
		return misused(err)
	}
	run, err := sim.NewRun(p)
	if err != nil {
		return misused(err)
	}
	var trace *otlp.Trace
	if p.Sampled {
		trace = otlp.New(p.Seed)
		run.World.Watch(trace)
	}
	err = do(ctx, s, run)
	if err == nil && run.Stopped {
		err = errInterrupted
	}
	// What was found comes first: nobody loses it to a picture that cannot be drawn.
	if err := and(err, c.tell(s.out, run), c.keep(s, run, trace)); err != nil {
		return failed(err)
	}
	return nil
}

// tell prints what came of a run.
func (c *simRunCmd) tell(w io.Writer, run *sim.Run) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(&run.Figures)
	}
	return written(w, func(w io.Writer) { account(w, run) })
}

// written writes what tell says in one piece, and finds out whether it could be.
func written(w io.Writer, tell func(io.Writer)) error {
	var b bytes.Buffer
	tell(&b)
	_, err := w.Write(b.Bytes())
	return err
}

// and is several errors on one line, or nil if there are none.
func and(errs ...error) (all error) {
	for _, err := range errs {
		switch {
		case all == nil:
			all = err
		case err != nil:
			all = fmt.Errorf("%w; and %w", all, err)
		}
	}
	return all
}

// do carries a run out, with a bar for a person who waits, and adds what the process knows of it.
func do(ctx context.Context, s streams, run *sim.Run) error {
	bar := newProgress(s.err)
	defer bar.done()
	if run.Plan.Peers >= sim.LargeFrom {
		largePages(int64(run.Plan.Peers) * peerBytes)
	}
	began := time.Now()
	err := run.Do(func() bool {
		bar.run(run, time.Since(began))
		return ctx.Err() != nil
	})
	f, took := &run.Figures, time.Since(began)
	f.WallMS = float64(took.Microseconds()) / 1e3
	f.EventsPS = float64(f.Events) / took.Seconds()
	f.RSS = residentBytes()
	return err
}

// writable finds before the run what could not be written after it.
func (c *simRunCmd) writable() error {
	if c.Plots != "" {
		if err := plots.Writable(c.Plots); err != nil {
			return fmt.Errorf("--plots: %w", err)
		}
	}
	return writableTrace(c.Trace)
}

func writableTrace(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("--trace: %w", err)
	}
	return f.Close()
}

// keep writes the trace and the pictures, and says so to people: standard output may be JSON.
func (c *simRunCmd) keep(s streams, run *sim.Run, trace *otlp.Trace) (err error) {
	if trace != nil {
		err = keepTrace(s.err, trace, c.Trace)
	}
	if c.Plots != "" {
		err = and(err, keepPictures(s.err, c.Plots, pictures(run)))
	}
	return err
}

func keepTrace(w io.Writer, trace *otlp.Trace, file string) error {
	if err := trace.WriteFile(file); err != nil {
		return fmt.Errorf("--trace: %w", err)
	}
	fmt.Fprintf(w, "%s are in %s%s\n", things(trace.Len(), "span"), file, forgotten(trace))
	return nil
}

func keepPictures(w io.Writer, dir string, list []plots.Picture) error {
	if err := plots.Write(dir, list...); err != nil {
		return fmt.Errorf("--plots: %w", err)
	}
	if len(list) == 0 {
		fmt.Fprintf(w, "no pictures are in %s: there is nothing to draw\n", dir)
		return nil
	}
	fmt.Fprintf(w, "%s are in %s: %s\n", things(len(list), "picture"), dir, strings.Join(plots.Names(list...), ", "))
	return nil
}

func forgotten(t *otlp.Trace) string {
	if n := t.Forgotten(); n > 0 {
		return fmt.Sprintf("; %s are not: a file holds the newest %s to %s, and fewer --peers or --messages make fewer",
			things(n, "older one"), count(otlp.LeastSpans), count(otlp.MaxSpans))
	}
	return ""
}
