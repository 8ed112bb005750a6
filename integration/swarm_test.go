package integration_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
)

// The same compose.yaml on a Swarm of one node, where peers find each other by the name that a service's tasks have,
// and multicast is off.
//
//	tasks.peer ─► 10.0.x.2 … 10.0.x.7, one overlay network
//
// A Swarm changes the engine, so this runs in CI, and elsewhere when HEARSAY_SWARM=1 says that it may.
func TestSwarm(t *testing.T) {
	if os.Getenv("CI") == "" && os.Getenv("HEARSAY_SWARM") != "1" {
		t.Skip("it makes a Swarm of this Docker engine and leaves it again; HEARSAY_SWARM=1 allows it")
	}
	docker := needDocker(t)
	info, err := docker.Info(t.Context(), client.InfoOptions{})
	must(t, "docker info", err)
	if info.Info.Swarm.LocalNodeState != swarm.LocalNodeStateInactive {
		t.Skipf("this Docker engine is in a Swarm already (%s), and that is left alone", info.Info.Swarm.LocalNodeState)
	}
	image, err := peerImage.image(docker)
	must(t, "image", err)
	makeSwarm(t, docker)

	stack := "hearsay-swarm-" + run
	file, err := os.ReadFile(repo + "/compose.yaml")
	must(t, "read compose.yaml", err)
	c := command{env: []string{"PEER_IMAGE=" + image, "PEER_GROUP=none", "PEER_JOIN=tasks.peer", "PEER_NAME=peer-{{.Task.Slot}}"}, stdin: forSwarm(string(file))}
	t.Cleanup(func() {
		if t.Failed() {
			m := &Mesh{docker: docker}
			for i, r := range tasks(t, docker, stack) {
				t.Logf("task %d:\n%s", i+1, m.logs(r.id))
			}
		}
		command{}.always(t, "docker", "stack", "rm", stack)
		eventually(t, time.Minute, "the stack's containers are gone", func() error {
			if n := len(tasks(t, docker, stack)); n > 0 {
				return fmt.Errorf("there are %d", n)
			}
			return nil
		})
	})
	c.must(t, "docker", "stack", "deploy", "--resolve-image", "never", "--compose-file", "-", stack)

	var six []replica
	eventually(t, 90*time.Second, "six tasks are one mesh", func() error {
		six = tasks(t, docker, stack)
		return askReplicas(t, six, 6)
	})
	for i := 1; i <= 6; i++ {
		name := fmt.Sprintf("peer-%d", i)
		if !slices.ContainsFunc(six, func(r replica) bool { return r.status.Name == name }) {
			t.Errorf("no task calls itself %s", name)
		}
	}
	command{}.must(t, "docker", "exec", six[0].id, "/peer", "send", "hello from a task")
	awaitText(t, docker, six, six[0].status.Name, "hello from a task")
}

// forSwarm makes of compose.yaml what its own head says is deployed on a Swarm.
func forSwarm(file string) string {
	var out []string
	within := false
	for line := range strings.Lines(file) {
		if within || strings.HasSuffix(line, "only {\n") {
			within = !strings.HasSuffix(line, "# }\n")
			continue
		}
		if !strings.Contains(line, "# compose only") {
			out = append(out, strings.Replace(line, "# swarm: ", "", 1))
		}
	}
	return strings.Join(out, "")
}

// tasks returns the running containers of the stack's service peer.
func tasks(t *testing.T, docker *client.Client, stack string) []replica {
	list, err := docker.ContainerList(context.Background(), client.ContainerListOptions{Filters: make(client.Filters).
		Add("label", "com.docker.swarm.service.name="+stack+"_peer")})
	if err != nil {
		t.Errorf("list tasks: %v", err)
	}
	var out []replica
	for _, c := range list.Items {
		out = append(out, replica{id: c.ID})
	}
	return out
}

// makeSwarm makes a Swarm that nobody else can reach, for as long as the test lasts, and takes away the networks that it made.
func makeSwarm(t *testing.T, docker *client.Client) {
	t.Helper()
	list := func() []string {
		n, err := docker.NetworkList(context.Background(), client.NetworkListOptions{})
		must(t, "list networks", err)
		var names []string
		for _, n := range n.Items {
			names = append(names, n.Name)
		}
		return names
	}
	before := list()
	_, err := docker.SwarmInit(t.Context(), client.SwarmInitOptions{
		ListenAddr: loopback + ":2377", AdvertiseAddr: loopback, DataPathAddr: loopback,
	})
	must(t, "docker swarm init", err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := docker.SwarmLeave(ctx, client.SwarmLeaveOptions{Force: true}); err != nil {
			t.Errorf("leave the Swarm: %v", err)
		}
		// The tasks' containers are on their way out, and hold the network until they are gone.
		eventually(t, time.Minute, "the Swarm's network is gone", func() error {
			if slices.Contains(before, "docker_gwbridge") || !slices.Contains(list(), "docker_gwbridge") {
				return nil
			}
			_, err := docker.NetworkRemove(ctx, "docker_gwbridge", client.NetworkRemoveOptions{})
			return err
		})
	})
}
