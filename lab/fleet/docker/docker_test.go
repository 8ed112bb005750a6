package docker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"go.uber.org/goleak"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/docker/testimage"
	"hearsay/lab/labtest"
)

func TestMain(m *testing.M) {
	docker.Main()
	if os.Getenv(asLab) != "" {
		beLab()
		return
	}
	code := m.Run()
	removeImage()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// engine is the Docker engine. Without one the test is skipped, but not in CI.
func engine(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("not skipped, since this is CI: it needs a Docker engine, and none answers: %v", err)
	}
	if err != nil {
		t.Skipf("it needs a Docker engine, and none answers: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The image is the peer as it is in this checkout.
var (
	imageOnce   sync.Once
	imageName   string
	imageErr    error
	removeImage = func() {}
)

func image(t *testing.T) string {
	t.Helper()
	engine(t)
	imageOnce.Do(func() {
		var remove func()
		if imageName, remove, imageErr = testimage.Build(context.Background()); imageErr == nil {
			removeImage = remove
		}
	})
	if imageErr != nil {
		t.Fatal(imageErr)
	}
	return imageName
}

// The whole story with containers of the lab's own.
func TestOwnContainers(t *testing.T) {
	c := engine(t)
	m := labtest.Containers(t, 4, labtest.Image(image(t)))
	m.WaitMeshed(20 * time.Second)
	m.WaitHeard(m.Say(1, "hello"), 10*time.Second)

	m.Partition([]int{1, 2}, []int{3, 4})
	id := m.Say(1, "on this side")
	m.WaitMeshed(20 * time.Second)
	if got := m.Heard(id); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("through the cut it came to %v", got)
	}
	if added := m.Add(1); added[0] != 5 {
		t.Errorf("added %v", added)
	}
	m.WaitMeshed(20 * time.Second) // in the first group, or there would be three parts
	m.Heal()
	m.WaitMeshed(20 * time.Second)
	m.WaitHeard(id, 20*time.Second)

	m.Kill(2)
	m.WaitMeshed(20 * time.Second)
	m.Restart(2)
	m.WaitMeshed(20 * time.Second)
	m.Pause(3)
	id = m.Say(4, "while it sleeps")
	m.WaitMeshed(20 * time.Second)
	m.Resume(3)
	m.WaitHeard(id, 20*time.Second)
	m.Stop(5)
	m.WaitMeshed(20 * time.Second)

	const late = 80 * time.Millisecond
	m.Delay(late, 0, 1)
	begun := time.Now()
	m.WaitHeard(m.Say(1, "late"), 20*time.Second)
	if took := time.Since(begun); took < late {
		t.Errorf("a delay of %v, and it took %v", late, took)
	}
	m.Loss(0.2, 1)
	m.WaitHeard(m.Say(1, "lossy"), 30*time.Second)
	m.Heal()

	if err := m.Fleet.Close(); err != nil {
		t.Error(err)
	}
	left, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("ancestor", imageName)})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("%d containers are left (%v)", len(left.Items), err)
	}
}

// compose starts containers as compose would.
func compose(t *testing.T, c *client.Client, image, project string, n int) (ids []string) {
	t.Helper()
	ctx := context.Background()
	labels := map[string]string{"com.docker.compose.project": project, "com.docker.compose.service": "peer"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.NetworkCreate(ctx, project, client.NetworkCreateOptions{Driver: "bridge", Labels: labels})
	must(err)
	t.Cleanup(func() {
		list, err := c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "com.docker.compose.project="+project)})
		if err != nil {
			t.Error(err)
		}
		for _, x := range list.Items {
			if _, err := c.ContainerRemove(ctx, x.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.NetworkRemove(ctx, project, client.NetworkRemoveOptions{}); err != nil {
			t.Error(err)
		}
	})
	for i := 1; i <= n; i++ {
		own := map[string]string{"com.docker.compose.container-number": strconv.Itoa(i)}
		for k, v := range labels {
			own[k] = v
		}
		created, err := c.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name:             fmt.Sprintf("%s-peer-%d", project, i),
			Config:           &container.Config{Image: image, Labels: own, OpenStdin: true},
			HostConfig:       &container.HostConfig{NetworkMode: container.NetworkMode(project), CapDrop: []string{"ALL"}, ReadonlyRootfs: true},
			NetworkingConfig: &mobynet.NetworkingConfig{EndpointsConfig: map[string]*mobynet.EndpointSettings{project: {Aliases: []string{"peer"}}}},
		})
		must(err)
		_, err = c.ContainerStart(ctx, created.ID, client.ContainerStartOptions{})
		must(err)
		ids = append(ids, created.ID)
	}
	return ids
}

// The replicas of a compose project, one by one, and what somebody else does to them meanwhile.
func TestAttachToCompose(t *testing.T) {
	c := engine(t)
	project := fmt.Sprintf("hearsay-fleet-test-%d", os.Getpid())
	ids := compose(t, c, image(t), project, 4)
	m := labtest.Attach(t, project)
	m.WaitMeshed(20 * time.Second)
	m.WaitHeard(m.Say(1, "hello"), 10*time.Second)

	m.Partition([]int{1, 2}, []int{3, 4})
	id := m.Say(1, "on this side")
	m.WaitMeshed(20 * time.Second)
	if got := m.Heard(id); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("through the cut it came to %v", got)
	}
	m.Heal()
	m.WaitMeshed(20 * time.Second)
	m.WaitHeard(id, 20*time.Second)

	m.Kill(2)
	m.WaitMeshed(20 * time.Second)
	m.Restart(2)
	m.WaitMeshed(20 * time.Second)
	m.WaitHeard(m.Say(2, "again"), 20*time.Second)
	m.Loss(0.2, 1)
	m.WaitHeard(m.Say(1, "lossy"), 30*time.Second)
	m.Heal()
	if added := m.Add(1); added[0] != 5 {
		t.Errorf("added %v", added)
	}
	m.WaitMeshed(20 * time.Second)

	// Somebody else kills one, and pauses another.
	if _, err := c.ContainerKill(t.Context(), ids[2], client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ContainerPause(t.Context(), ids[3], client.ContainerPauseOptions{}); err != nil {
		t.Fatal(err)
	}
	noticed := func() bool {
		p := m.Peers()
		return !p[2].Alive && p[3].Paused
	}
	for begun := time.Now(); !noticed(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("not noticed: %+v", m.Peers())
		}
	}
	m.Resume(4)
	m.WaitMeshed(20 * time.Second)

	if err := m.Fleet.Close(); err != nil {
		t.Error(err)
	}
	for i, id := range ids {
		in, err := c.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		if err != nil || in.Container.State.Running != (i != 2) {
			t.Errorf("after the fleet has gone, %d: running %v, %v", i+1, in.Container.State.Running, err)
		}
	}
	left, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "hearsay.lab.pid="+strconv.Itoa(os.Getpid()))})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("%d hands are left (%v)", len(left.Items), err)
	}
}

// asLab makes a lab of the test binary: it starts two containers of that image, pauses one and waits to be killed.
const asLab = "HEARSAY_TEST_AS_LAB"

func beLab() {
	f, err := docker.New(context.Background(), docker.Config{Image: os.Getenv(asLab)})
	if err == nil {
		_, err = f.Add(context.Background(), 2, fleet.Options{})
	}
	if err == nil {
		err = f.Pause(context.Background(), 2)
	}
	fmt.Println(err)
	select {}
}

// However a lab ends, its containers do, even one that is paused and cannot notice.
func TestNothingIsLeftBehind(t *testing.T) {
	c := engine(t)
	lab := exec.Command(os.Args[0])
	lab.Env = append(os.Environ(), asLab+"="+image(t))
	out, err := lab.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "<nil>\n" {
		t.Errorf("the lab says %q: %v", line, err)
	}
	ours := make(client.Filters).Add("label", "hearsay.lab.pid="+strconv.Itoa(lab.Process.Pid))
	left := func() int {
		list, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: ours})
		if err != nil {
			t.Fatal(err)
		}
		networks, err := c.NetworkList(t.Context(), client.NetworkListOptions{Filters: ours})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Items) + len(networks.Items)
	}
	if n := left(); n != 3 {
		t.Errorf("%d containers and networks before, want 3", n)
	}
	lab.Process.Kill()
	lab.Wait()
	for begun := time.Now(); left() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%d are left", left())
		}
	}
}

func TestBadUse(t *testing.T) {
	engine(t)
	ctx := t.Context()
	wantError := func(err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
	_, err := docker.Attach(ctx, docker.Config{Project: "hearsay-no-such-project"})
	wantError(err, "docker compose up")
	_, err = docker.New(ctx, docker.Config{Image: "hearsay-no-such-image"})
	wantError(err, "docker compose build")
	_, err = docker.New(ctx, docker.Config{Image: image(t), Config: fleet.Config{Flags: map[string]string{"name": "x"}}})
	wantError(err, "--name")
	f, err := docker.New(ctx, docker.Config{Image: image(t), Config: fleet.Config{Flags: map[string]string{"links": "0"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.Add(ctx, 1, fleet.Options{})
	wantError(err, "--links")
	if n := len(f.Peers()); n != 0 {
		t.Errorf("%d places are left of a peer that never began", n)
	}
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	_, err = docker.New(ctx, docker.Config{})
	wantError(err, "--engine local")
}
