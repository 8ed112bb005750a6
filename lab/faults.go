package main

import (
	"context"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"hearsay/lab/control"
	"hearsay/lab/quantity"
)

// faultCmds are the commands that break and mend. Each says what it did and how the mesh took it.
type faultCmds struct {
	Kill      peersCmd     `cmd:"" help:"End peers without a word (SIGKILL)."`
	Stop      peersCmd     `cmd:"" help:"Ask peers to end (SIGTERM): they say goodbye."`
	Start     peersCmd     `cmd:"" help:"Start peers again that have ended."`
	Restart   peersCmd     `cmd:"" help:"Stop peers and start them again."`
	Pause     peersCmd     `cmd:"" help:"Freeze peers (SIGSTOP): nothing of them answers."`
	Resume    peersCmd     `cmd:"" help:"Have paused peers go on."`
	Partition partitionCmd `cmd:"" help:"Cut TCP and multicast between groups: 1,2,3/4,5,6."`
	Isolate   peersCmd     `cmd:"" help:"Cut peers off from everybody."`
	Delay     delayCmd     `cmd:"" help:"Have what peers send come late: 50ms±10ms 1,2."`
	Loss      lossCmd      `cmd:"" help:"Have a share of what peers send be lost: 5% 1,2."`
	Heal      healCmd      `cmd:"" help:"Undo partition, isolate, delay, loss and churn."`
	Churn     churnCmd     `cmd:"" help:"Kill peers by chance, and start them again: 1/s."`
	Scale     scaleCmd     `cmd:"" help:"Have so many peers run."`
}

// peersCmd is a fault that needs to be told nothing but whom it befalls. Its name is the command's.
type peersCmd struct {
	remote
	peerArgs
}

func (c *peersCmd) Run(ctx context.Context, s streams, k *kong.Context) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: k.Selected().Name, Peers: c.list()})
}

type partitionCmd struct {
	remote
	Groups []string `arg:"" help:"Groups by slash: 1,2,3/4,5,6. One alone is cut off from all others: half." placeholder:"GROUPS"`
}

func (c *partitionCmd) Run(ctx context.Context, s streams) error {
	var groups []string
	for _, g := range strings.Split(strings.Join(c.Groups, " "), "/") {
		groups = append(groups, joinPeers(strings.Fields(g)))
	}
	return c.fault(ctx, s, control.FaultRequest{Fault: "partition", Groups: strings.Join(groups, "/")})
}

type delayCmd struct {
	remote
	By quantity.Spread `arg:"" help:"How late: 50ms, or 50ms±10ms (50ms+-10ms)."`
	peerArgs
}

func (c *delayCmd) Run(ctx context.Context, s streams) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: "delay", By: &c.By, Peers: c.list()})
}

type lossCmd struct {
	remote
	Share quantity.Share `arg:"" help:"How much: 5%."`
	peerArgs
}

func (c *lossCmd) Run(ctx context.Context, s streams) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: "loss", Share: &c.Share, Peers: c.list()})
}

type healCmd struct{ remote }

func (c *healCmd) Run(ctx context.Context, s streams) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: "heal"})
}

type churnCmd struct {
	remote
	Rate quantity.Rate `arg:"" help:"How often somebody is killed: 1/s, 30/m."`
	For  time.Duration `default:"60s" help:"How long it goes on; Ctrl+C ends it earlier."`
}

func (c *churnCmd) Run(ctx context.Context, s streams) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: "churn", Rate: &c.Rate, For: c.For.String()})
}

type scaleCmd struct {
	remote
	Count int `arg:"" help:"How many peers are to run."`
}

func (c *scaleCmd) Run(ctx context.Context, s streams) error {
	return c.fault(ctx, s, control.FaultRequest{Fault: "scale", Count: c.Count})
}
