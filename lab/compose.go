package main

import (
	"context"
	"errors"
	"os"

	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/replicas"
)

// composeFlags are those of a lab that is itself a service of a compose project.
type composeFlags struct {
	PeersAt string `help:"With --engine compose: where the peers' APIs are, names or addresses, by commas." default:"peer:7070" placeholder:"NAME:PORT" env:"LAB_PEERS_AT"`
}

// giveSocket is how a lab in compose is given what it lacks.
const giveSocket = "to break things, give it the Docker socket: LAB_SOCKET=/var/run/docker.sock LAB_USER=0 docker compose up -d lab"

// makeFleet takes hold of the peers of this container's project, or without a Docker engine only looks at them.
func (c *composeFlags) makeFleet(ctx context.Context, l *lab) error {
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
