package integration_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// What a person gets who has just cloned the project: compose.yaml as it is, scaled to six.
//
//	"hello" ─► peer-1 … peer-6 ───► otel-collector ─┬─► jaeger ─► the trace of "hello"
//	                   └───────────────────────────────┴─► lab ────► who heard it from whom
//
// Only the ports of the pages are others, so that the test runs beside somebody's own lab, and the images are those that
// these tests build; TestDockerfile builds the real ones.
func TestCompose(t *testing.T) {
	docker := needDocker(t)
	needCommand(t, ".ci/offline/build gets it", "docker", "compose", "version")
	image, err := peerImage.image(docker)
	must(t, "image", err)
	labs, err := labImage.image(docker)
	must(t, "image", err)
	project := "hearsay-compose-" + run
	c := command{env: []string{"PEER_IMAGE=" + image, "LAB_IMAGE=" + labs}}
	compose := []string{"compose", "--project-name", project, "--file", "compose.yaml", "--file", composeOverride(t)}
	do := func(args ...string) string {
		t.Helper()
		return c.must(t, "docker", append(slices.Clone(compose), args...)...)
	}
	t.Cleanup(func() {
		if t.Failed() {
			keepComposeLogs(t, c, compose)
		}
		c.always(t, "docker", append(slices.Clone(compose), "down", "--volumes", "--timeout", "5")...)
	})
	do("up", "--detach", "--no-build", "--scale", "peer=6", "--wait")

	six := awaitReplicas(t, docker, project, 6)
	page := labPage{"http://" + strings.TrimSpace(do("port", "lab", "7700"))}
	page.awaitPeers(t, 6)
	page.onlyWatches(t)
	if out, err := c.run(t.Context(), "docker", append(slices.Clone(compose), "exec", "--no-TTY", "peer", "/peer", "status", "--to", "lab:7700")...); err == nil || !strings.Contains(err.Error(), "serves the machine") {
		t.Errorf("the lab serves another container: %q, %v", out, err)
	}
	j := jaeger{"http://" + strings.TrimSpace(do("port", "jaeger", "16686"))}

	// One message from inside a container whose image holds nothing but the peer, and its trace.
	out := do("exec", "--no-TTY", "--index", "3", "peer", "/peer", "send", "hello", "from", "three")
	trace := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindAllString(out, -1)
	if len(trace) == 0 {
		t.Fatalf("peer send names no trace: %q", out)
	}
	awaitText(t, docker, six, "peer-3", "hello from three")
	page.awaitTold(t, "hello from three", "peer-3", 5)
	services := map[string]string{}
	var all []string
	for _, r := range six {
		services[r.status.Name] = r.status.Name + "-" + r.status.ID[:4]
		all = append(all, services[r.status.Name])
	}
	eventually(t, 20*time.Second, "the message's trace in Jaeger", func() error {
		found, err := j.trace(trace[len(trace)-1])
		if err != nil {
			return err
		}
		return messageTree(found, services["peer-3"], all, "")
	})

	// Lines typed at one, as by docker attach.
	typist := six[0]
	term, err := attach(t.Context(), docker, typist.id, func([]byte, time.Time) {}, func(error) {})
	must(t, "attach", err)
	t.Cleanup(term.close)
	for _, line := range []string{"one", "two", "three"} {
		must(t, "type", term.writeLine(line))
	}
	awaitText(t, docker, six, "peer-1", "one", "two", "three")

	// Scaling while it runs, up and down.
	do("up", "--detach", "--no-build", "--no-recreate", "--scale", "peer=8", "--wait")
	awaitReplicas(t, docker, project, 8)
	do("up", "--detach", "--no-build", "--no-recreate", "--scale", "peer=3", "--wait")
	three := awaitReplicas(t, docker, project, 3)
	do("exec", "--no-TTY", "peer", "/peer", "send", "three of us")
	awaitText(t, docker, three, "peer-1", "three of us")

	// What others do the lab sees, and with the socket it does it itself.
	page.awaitPeers(t, 3)
	c.must(t, "docker", "kill", three[1].id)
	page.awaitPeers(t, 2)
	if out := do("exec", "--no-TTY", "lab", "/lab", "status"); !regexp.MustCompile(`peer-2 +ended`).MatchString(out) {
		t.Errorf("the lab says of one that was killed: %s", out)
	}
	do("restart", "lab")
	page.url = "http://" + strings.TrimSpace(do("port", "lab", "7700"))
	page.awaitPeers(t, 2)
	if out := do("exec", "--no-TTY", "lab", "/lab", "status"); !strings.Contains(out, "replicas") {
		t.Errorf("started again, the lab says %s", out)
	}
	socket, ok := strings.CutPrefix(docker.DaemonHost(), "unix://")
	if !ok {
		t.Log("this engine has no socket on this machine, so the lab is not given it")
		return
	}
	c.env = append(c.env, "LAB_SOCKET="+socket, "LAB_USER=0")
	do("up", "--detach", "--no-build", "--wait", "lab")
	page.url = "http://" + strings.TrimSpace(do("port", "lab", "7700"))
	page.awaitPeers(t, 2)
	out = do("exec", "--no-TTY", "lab", "/lab", "start", "2")
	out += do("exec", "--no-TTY", "lab", "/lab", "kill", "3")
	for _, says := range []string{"peer-2 started.", "peer-3", "killed."} {
		if !strings.Contains(out, says) {
			t.Errorf("the lab with the socket says %q, want %q in it", out, says)
		}
	}
	page.awaitPeers(t, 2)
	if n := len(runningReplicas(t, docker, project)); n != 2 {
		t.Errorf("%d peers run, want 2", n)
	}
}

// composeOverride writes what the test changes: nothing but ports and labels.
func composeOverride(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	own := labels()
	entry := func(indent, title, more string) {
		fmt.Fprintf(&b, "%s%s:\n%s", indent, title, more)
		fmt.Fprintf(&b, "%s  labels:\n", indent)
		for _, k := range []string{labelRun, labelHost, labelPID, labelUntil} {
			fmt.Fprintf(&b, "%s    %s: %q\n", indent, k, own[k])
		}
	}
	b.WriteString("services:\n")
	entry("  ", "peer", "")
	entry("  ", "otel-collector", "")
	entry("  ", "jaeger", "    ports: !override [\"127.0.0.1::16686\"]\n")
	entry("  ", "lab", "    ports: !override [\"127.0.0.1::7700\"]\n")
	b.WriteString("networks:\n")
	entry("  ", "default", "")
	file := filepath.Join(t.TempDir(), "override.yaml")
	must(t, "write the override", os.WriteFile(file, []byte(b.String()), 0o644))
	return file
}

func keepComposeLogs(t *testing.T, c command, compose []string) {
	dir, err := artifactsDir(t.Name())
	if err != nil {
		t.Error(err)
		return
	}
	for name, args := range map[string][]string{"logs.txt": {"logs", "--timestamps"}, "ps.txt": {"ps", "--all"}} {
		out, err := c.run(context.Background(), "docker", append(slices.Clone(compose), args...)...)
		if err != nil {
			out = err.Error()
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(out), 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Errorf("the containers' logs are in %s", dir)
}

// A replica is one container of a service that compose or a Swarm made.
type replica struct {
	id     string
	number int
	status Status
}

// awaitReplicas waits until so many replicas of the service peer are one mesh, and returns them by number.
// Their names are peer-1 and so on, which they have found by reverse DNS.
func awaitReplicas(t *testing.T, docker *client.Client, project string, n int) []replica {
	t.Helper()
	var found []replica
	eventually(t, 30*time.Second, fmt.Sprintf("%d replicas are one mesh", n), func() error {
		found = runningReplicas(t, docker, project)
		return askReplicas(t, found, n)
	})
	for _, r := range found {
		if want := fmt.Sprintf("peer-%d", r.number); r.status.Name != want {
			t.Errorf("replica %d calls itself %q, not %q", r.number, r.status.Name, want)
		}
	}
	return found
}

// runningReplicas are the containers of the service peer that run, by number.
func runningReplicas(t *testing.T, docker *client.Client, project string) (found []replica) {
	t.Helper()
	list, err := docker.ContainerList(t.Context(), client.ContainerListOptions{Filters: make(client.Filters).
		Add("label", "com.docker.compose.project="+project, "com.docker.compose.service=peer")})
	must(t, "list containers", err)
	for _, c := range list.Items {
		number, err := strconv.Atoi(c.Labels["com.docker.compose.container-number"])
		must(t, "a replica's number", err)
		found = append(found, replica{id: c.ID, number: number})
	}
	slices.SortFunc(found, func(a, b replica) int { return cmp.Compare(a.number, b.number) })
	return found
}

// askReplicas reads each one's status by `peer status` in its container, and says what keeps them from being one mesh.
func askReplicas(t *testing.T, replicas []replica, n int) error {
	if len(replicas) != n {
		return fmt.Errorf("there are %d", len(replicas))
	}
	var all []Status
	for i := range replicas {
		out, err := command{}.run(t.Context(), "docker", "exec", replicas[i].id, "/peer", "status")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(out), &replicas[i].status); err != nil {
			return fmt.Errorf("peer status: %w in %q", err, out)
		}
		all = append(all, replicas[i].status)
	}
	return meshed(all)
}

// awaitText waits until every replica but the publisher has written these lines once each, in this order.
func awaitText(t *testing.T, docker *client.Client, replicas []replica, publisher string, lines ...string) {
	t.Helper()
	m := &Mesh{docker: docker}
	var want []string
	for _, line := range lines {
		want = append(want, publisher+": "+line)
	}
	eventually(t, 10*time.Second, fmt.Sprintf("all have heard %q", lines), func() error {
		for _, r := range replicas {
			var got []string
			for line := range strings.Lines(string(m.logs(r.id))) {
				_, line, _ = strings.Cut(strings.TrimSpace(line), " ") // the time
				if slices.Contains(want, line) {
					got = append(got, line)
				}
			}
			if r.status.Name == publisher {
				if len(got) > 0 {
					t.Fatalf("%s heard itself: %q", publisher, got)
				}
			} else if !slices.Equal(got, want) {
				return fmt.Errorf("%s has written %q", r.status.Name, got)
			}
		}
		return nil
	})
}
