package integration_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// loopback is the only address at which anything is published.
const loopback = "127.0.0.1"

// Everything that a run makes has these labels, so that it is found again if the run is killed.
const (
	labelRun   = "hearsay.integration"       // which run
	labelHost  = "hearsay.integration.host"  // the machine and the process whose run it is:
	labelPID   = "hearsay.integration.pid"   // when that has gone, what it made is nobody's
	labelUntil = "hearsay.integration.until" // Unix time at which the run is over in any case
)

// run names this run. It is part of every name that Docker must not see twice.
var run = fmt.Sprintf("%d-%04x", os.Getpid(), rand.Uint32N(1<<16))

// engine returns the Docker engine, or why there is none.
var engine = sync.OnceValues(func() (docker *client.Client, err error) {
	defer func() { // testcontainers panics where it finds no engine
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// Where DOCKER_HOST does not answer, testcontainers looks for another engine: not the one that was meant.
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		c, err := client.New(client.FromEnv)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if _, err := c.Ping(ctx, client.PingOptions{}); err != nil {
			return nil, err
		}
	}
	c, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	_, err = c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return c.Client, err
})

// needDocker returns the engine. Without one the test is skipped, but in CI, where a test that is never run
// would look like one that passes, it fails.
func needDocker(t testing.TB) *client.Client {
	t.Helper()
	docker, err := engine()
	if err != nil {
		skip(t, "it needs a Docker engine, and none answers: %v", err)
	}
	return docker
}

// skip skips the test, or fails it in CI.
func skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("not skipped, since this is CI: "+format, args...)
	}
	t.Skipf(format, args...)
}

// labels returns the labels of this run.
func labels() map[string]string {
	patience := 10 * time.Minute
	if f := flag.Lookup("test.timeout"); f != nil {
		if d, err := time.ParseDuration(f.Value.String()); err == nil && d > 0 {
			patience = d
		}
	}
	host, _ := os.Hostname()
	return map[string]string{
		labelRun:   run,
		labelHost:  host,
		labelPID:   strconv.Itoa(os.Getpid()),
		labelUntil: strconv.FormatInt(time.Now().Add(patience+time.Minute).Unix(), 10),
	}
}

// sweep removes what earlier runs left because they were killed, and nothing of a run that goes on.
func sweep(docker *client.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return remove(ctx, docker, make(client.Filters).Add("label", labelRun), abandoned)
}

// removeOwn removes what this run made and has not removed yet: its images, and what a failed start left.
func removeOwn(ctx context.Context, docker *client.Client) error {
	return remove(ctx, docker, make(client.Filters).Add("label", labelRun+"="+run), func(map[string]string) bool { return true })
}

func abandoned(labels map[string]string) bool {
	if until, err := strconv.ParseInt(labels[labelUntil], 10, 64); err != nil || time.Now().Unix() > until {
		return true
	}
	if host, _ := os.Hostname(); host != labels[labelHost] || runtime.GOOS == "windows" {
		return false // a process of another machine: nobody here can tell
	}
	pid, err := strconv.Atoi(labels[labelPID])
	if err != nil {
		return true
	}
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// remove removes containers, networks and images, in the order in which one holds the other.
func remove(ctx context.Context, docker *client.Client, which client.Filters, mine func(labels map[string]string) bool) error {
	var errs []error
	gone := func(err error) {
		if err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: which})
	gone(err)
	for _, c := range containers.Items {
		if mine(c.Labels) {
			_, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			gone(err)
		}
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: which})
	gone(err)
	for _, n := range networks.Items {
		if mine(n.Labels) {
			_, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			gone(err)
		}
	}
	images, err := docker.ImageList(ctx, client.ImageListOptions{Filters: which})
	gone(err)
	for _, i := range images.Items {
		if mine(i.Labels) {
			_, err := docker.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true})
			gone(err)
		}
	}
	return errors.Join(errs...)
}
