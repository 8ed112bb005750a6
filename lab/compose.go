package main

import (
	"context"
	"errors"
	"os"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/replicas"
)

// composeFlags are those of a lab that is itself a service of a compose project.
type composeFlags struct {
	PeersAt string `help:"With --engine compose: where the peers' APIs are, names or addresses, by commas." default:"peer:7070" placeholder:"NAME:PORT" env:"LAB_PEERS_AT"`
}

// giveSocket is how a lab in compose is given what it lacks.
const giveSocket = "to break things, give it the Docker socket: LAB_SOCKET=/var/run/docker.sock LAB_USER=0 docker compose up -d lab"

// peersAt is where the peers' APIs are in a compose project: --peers-at's default.
const peersAt = "peer:7070"

// makeFleet takes hold of the peers of this container's project, or without a Docker engine only looks at them. Elsewhere
// than in a container it looks at those whose addresses are given.
func (c *composeFlags) makeFleet(ctx context.Context, l *lab) error {
	if c.PeersAt == peersAt && !inContainer() {
		return fleet.Cannot("--engine compose is for a lab that is a service of a compose project, beside its peers, and this is no container: use --engine docker for the peers of a project that runs on this machine, or say with --peers-at where they are")
	}
	f, err := docker.Inside(ctx, docker.Config{})
	if err == nil {
		l.fleet = f
		return nil
	}
	l.readOnly, l.why = true, err.Error()
	if errors.Is(err, docker.ErrNotGiven) {
		l.why = giveSocket
	}
	eyes, err := replicas.New(replicas.Config{At: c.PeersAt, Hint: l.why})
	if err == nil {
		l.fleet = eyes
	}
	return err
}

// inContainer reports whether this process runs in a container: Docker and Podman leave a file in each.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}
