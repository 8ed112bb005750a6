package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
)

// ErrNotGiven is returned where this container was given no Docker engine.
var ErrNotGiven = errors.New("no Docker engine was given to this container")

// Inside returns a fleet of the peers of the compose project whose container this process runs in, as Attach does. They
// need not be there yet.
func Inside(ctx context.Context, cfg Config) (*Fleet, error) {
	if !given() {
		return nil, ErrNotGiven
	}
	var err error
	if cfg.Project, err = ownProject(ctx); err != nil {
		return nil, err
	}
	cfg.later = true
	return Attach(ctx, cfg)
}

// given reports whether an engine is named, or there is a socket where one usually has its. Compose puts /dev/null there
// in its place.
func given() bool {
	if os.Getenv(client.EnvOverrideHost) != "" {
		return true
	}
	path, ok := strings.CutPrefix(client.DefaultDockerHost, "unix://")
	info, err := os.Stat(path)
	return ok && err == nil && info.Mode()&os.ModeSocket != 0
}

// ownProject is the compose project of the container that this process runs in: its host name is the container's ID,
// unless somebody has given it another.
func ownProject(ctx context.Context) (string, error) {
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return "", err
	}
	defer docker.Close()
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if _, err := docker.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return "", fleet.Cannot("the Docker engine cannot be used: %w", err)
	}
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	in, err := docker.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("this container is not one of the engine's: %w", err)
	}
	if in.Container.Config == nil || in.Container.Config.Labels[labelProject] == "" {
		return "", fmt.Errorf("this container, %s, is of no compose project", name)
	}
	return in.Container.Config.Labels[labelProject], nil
}
