package main

import (
	"context"

	"hearsay/lab/fleet"
)

// dockerFlags say which containers.
type dockerFlags struct {
}

func (c *dockerFlags) makeFleet(context.Context, fleet.Config) (fleet.Fleet, bool, error) {
	return nil, false, fleet.Cannot("no Docker here")
}
