package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet"
)

// Everything that a fleet makes has these labels, so that it is found again if the lab is killed.
const (
	labelLab  = "hearsay.lab"      // which fleet
	labelHost = "hearsay.lab.host" // the machine and the process whose it is: when that has gone, it is nobody's
	labelPID  = "hearsay.lab.pid"
)

// The labels that compose gives to containers.
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelNumber  = "com.docker.compose.container-number"
	labelOneOff  = "com.docker.compose.oneoff"
)

// connectWithin is how long an engine may take to answer for the first time.
const connectWithin = 10 * time.Second

// connect finds the engine, and removes what labs left in it that were killed.
func connect(ctx context.Context, cfg Config) (*Fleet, error) {
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fleet.Cannot("no Docker engine: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if _, err := docker.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		docker.Close()
		return nil, fleet.Cannot("no Docker engine answers (%w): start it, set DOCKER_HOST, or use --engine local", err)
	}
	host, _ := os.Hostname()
	f := &Fleet{cfg: cfg, docker: docker, stop: func() {}, labels: map[string]string{
		labelLab: strings.ToLower(rand.Text()[:8]), labelHost: host, labelPID: strconv.Itoa(os.Getpid()),
	}}
	f.Init(f, cfg.Flags["group"] == "none")
	if err := f.removeOurs(ctx, abandoned); err != nil {
		docker.Close()
		return nil, err
	}
	return f, nil
}

// abandoned reports whether labels are of a fleet whose process has gone.
func abandoned(labels map[string]string) bool {
	if host, _ := os.Hostname(); host != labels[labelHost] || runtime.GOOS == "windows" {
		return false // nobody here can tell
	}
	pid, err := strconv.Atoi(labels[labelPID])
	if err != nil {
		return true
	}
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// removeOurs removes containers and networks that labs made.
func (f *Fleet) removeOurs(ctx context.Context, mine func(labels map[string]string) bool) error {
	which := make(client.Filters).Add("label", labelLab)
	var errs []error
	gone := func(err error) {
		if err != nil && !errdefs.IsNotFound(err) && !isBeingRemoved(err) {
			errs = append(errs, err)
		}
	}
	containers, err := f.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: which})
	gone(err)
	for _, c := range containers.Items {
		if mine(c.Labels) {
			_, err := f.docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			gone(err)
		}
	}
	networks, err := f.docker.NetworkList(ctx, client.NetworkListOptions{Filters: which})
	gone(err)
	for _, n := range networks.Items {
		if mine(n.Labels) {
			_, err := f.docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			gone(err)
		}
	}
	return errors.Join(errs...)
}

// isBeingRemoved reports whether the engine says that somebody removes it already: a container of ours removes itself
// once it has ended.
func isBeingRemoved(err error) bool {
	return errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress")
}

// remove removes one container, which may have gone.
func (f *Fleet) remove(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	f.docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

// projects are the compose projects that have a service of this name, which is the peers'.
func (f *Fleet) projects(ctx context.Context) ([]string, error) {
	list, err := f.docker.ContainerList(ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("label", labelService+"="+service)})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, c := range list.Items {
		if p := c.Labels[labelProject]; !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	slices.Sort(found)
	return found, nil
}

// service is what compose.yaml calls the peers.
const service = "peer"
