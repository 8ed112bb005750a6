package main

import (
	"context"
	"errors"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
)

// dockerFlags say which containers the peers are.
type dockerFlags struct {
	Project string `help:"With --engine docker: the compose project whose peers they are. Default: the only one that runs." placeholder:"NAME"`
	Own     bool   `help:"With --engine docker: start containers, in place of attaching to compose's."`
	Image   string `help:"With --own: the containers' image." default:"${image}" placeholder:"IMAGE"`
}

// makeFleet attaches to compose's peers, or is ready to start others.
func (c *dockerFlags) makeFleet(ctx context.Context, cfg fleet.Config) (f *docker.Fleet, attached bool, err error) {
	if c.Own && c.Project != "" {
		return nil, false, errors.New("--own and --project: either the lab starts containers, or it attaches to compose's")
	}
	cfg.Env = nil // spans are received on this machine's loopback, where containers do not get
	d := docker.Config{Config: cfg, Project: c.Project, Image: c.Image}
	if c.Own {
		f, err = docker.New(ctx, d)
		return f, false, err
	}
	if len(cfg.Flags) > 0 {
		return nil, false, errors.New("--set: the peers run already, with the flags that compose gave them; use --own")
	}
	f, err = docker.Attach(ctx, d)
	return f, true, err
}
