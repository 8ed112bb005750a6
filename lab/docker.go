package main

import (
	"context"
	"errors"
	"net/netip"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/watch"
)

// dockerFlags say which containers the peers are.
type dockerFlags struct {
	Project string `help:"With --engine docker: the compose project whose peers they are. Default: the only one that runs." placeholder:"NAME"`
	Own     bool   `help:"With --engine docker: start containers, in place of attaching to compose's."`
	Image   string `help:"With --own: the containers' image." default:"${image}" placeholder:"IMAGE"`
}

// makeFleet attaches to compose's peers, or is ready to start others, and watches them.
func (c *dockerFlags) makeFleet(ctx context.Context, l *lab, flags map[string]string, receiver receiverFlags) (attached bool, err error) {
	if c.Own && c.Project != "" {
		return false, errors.New("--own and --project: either the lab starts containers, or it attaches to compose's")
	}
	d := docker.Config{Config: fleet.Config{Flags: flags}, Project: c.Project, Image: c.Image}
	if c.Own {
		return false, c.own(ctx, l, d)
	}
	if len(flags) > 0 {
		return false, errors.New("--set: the peers run already, with the flags that compose gave them; use --own")
	}
	// Compose's peers send their spans where compose.yaml says, which is here only if somebody sees to it.
	if l.watch, err = watch.New(receiver.options()); err != nil {
		return true, err
	}
	f, err := docker.Attach(ctx, d)
	if err == nil {
		l.fleet = f
	}
	return true, err
}

// own is ready to start containers, which send their spans to this machine's address in their network. Where that is no
// address of ours, since the engine runs elsewhere, they send none.
func (c *dockerFlags) own(ctx context.Context, l *lab, d docker.Config) error {
	f, err := docker.New(ctx, d)
	if err != nil {
		return err
	}
	l.fleet = f
	gateway, err := f.Gateway(ctx)
	if err == nil {
		l.watch, err = watch.New(watch.Options{Listen: netip.AddrPortFrom(gateway, 0).String()})
	}
	if err == nil {
		f.Environ(tracing(l.watch)...)
		return nil
	}
	l.watch, err = watch.New(watch.Options{})
	return err
}
