package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"hearsay/lab/quantity"
	"hearsay/lab/sim"
)

// simCmd runs whole peers in virtual time.
type simCmd struct {
	Run simRunCmd `cmd:"" default:"withargs" help:"One run, with a readable account (the default)."`
}

// simFlags are the flags of one run.
type simFlags struct {
	Peers     int            `default:"1000" help:"How many peers."`
	Seed      uint64         `default:"1" help:"Same seed, same run."`
	Within    time.Duration  `default:"10s" help:"The peers start one by one within this time."`
	Messages  int            `default:"100" help:"Messages that one peer publishes while nothing is broken."`
	Rate      quantity.Rate  `default:"20/s" help:"How many of them in a second."`
	Size      quantity.Bytes `default:"100B" help:"Size of a message."`
	Kill      quantity.Share `help:"Kill this share of the peers at one instant." placeholder:"80%"`
	At        time.Duration  `help:"When something breaks; by default, when all messages are through." placeholder:"60s"`
	Partition string         `help:"Cut the network in half." enum:"none,half" default:"none"`
	For       time.Duration  `help:"How long the partition, or the churn, lasts." placeholder:"120s"`
	Churn     quantity.Rate  `help:"Kill so many peers in a second, and start them again." placeholder:"1/s"`
	Siphoners int            `help:"Peers beside the others that nobody can dial."`
	Latency   quantity.Range `default:"50us..250us" help:"How long a packet takes."`
	Loss      quantity.Share `default:"0%" help:"Share of packets that are lost."`
	Broadcast string         `enum:"plumtree,flood" default:"plumtree" help:"How messages spread: ${enum}."`
	Links     int            `default:"3" help:"Outgoing links that a peer wants."`
	Serve     int            `default:"6" help:"Incoming links that a peer serves."`
	Multicast bool           `default:"true" negatable:"" help:"Multicast works."`
	Domains   int            `default:"1" help:"Multicast domains that the peers are dealt into; they need --join to meet."`
	Join      bool           `help:"Peers look up a name that stands for some of them."`
	Retain    time.Duration  `default:"10m" help:"How long peers keep messages for those who missed them."`
}

func (f *simFlags) plan() sim.Plan {
	return sim.Plan{
		Config: sim.Config{
			Seed: f.Seed, LatencyMin: f.Latency.Min, LatencyMax: f.Latency.Max, Jitter: 0.1, Loss: float64(f.Loss),
			NoMulticast: !f.Multicast, Domains: f.Domains, Join: f.Join || !f.Multicast,
			Links: f.Links, Serve: f.Serve, Flood: f.Broadcast == "flood", Retain: f.Retain,
		},
		Peers: f.Peers, Within: f.Within, Messages: f.Messages, Rate: float64(f.Rate), Size: int(f.Size),
		Kill: float64(f.Kill), At: f.At, Partition: f.Partition == "half", For: f.For, Churn: float64(f.Churn),
		Siphoners: f.Siphoners,
	}
}

type simRunCmd struct {
	simFlags
	JSON bool `help:"One JSON object on standard output."`
}

func (c *simRunCmd) Run(ctx context.Context, s streams) error {
	run, err := sim.NewRun(c.plan())
	if err != nil {
		return misused(err)
	}
	began := time.Now()
	err = run.Do(func() bool { return ctx.Err() != nil })
	f := &run.Figures
	f.WallMS = float64(time.Since(began).Microseconds()) / 1e3
	f.EventsPS = float64(f.Events) / time.Since(began).Seconds()
	f.RSS = residentBytes()
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(f); err != nil {
			return err
		}
	} else {
		account(s.out, run)
	}
	if err != nil {
		return failed(err)
	}
	if ctx.Err() != nil {
		return failed(fmt.Errorf("interrupted in the phase %q", run.Phase))
	}
	return nil
}

func account(w io.Writer, r *sim.Run) {
	fmt.Fprintf(w, "%+v\n%+v\n", r.Figures, r.Times)
}

// residentBytes is how much memory the process has from the system, as the runtime knows it.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
