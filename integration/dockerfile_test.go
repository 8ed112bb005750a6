package integration_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The images that people build, by the whole of the Dockerfiles, as they are. It takes minutes, so it is for CI, and for
// whoever sets HEARSAY_DOCKERFILE=1.
//
//	golang ─► go build ─► scratch + /peer   ─►   1 ─ 2
func TestDockerfile(t *testing.T) {
	if os.Getenv("CI") == "" && os.Getenv("HEARSAY_DOCKERFILE") != "1" {
		t.Skip("it takes minutes; HEARSAY_DOCKERFILE=1 runs it")
	}
	needDocker(t)
	tag := "hearsay-integration-dockerfile:" + run
	build := func(tag, dockerfile string) {
		t.Helper()
		args := []string{"build", "--tag", tag, "--file", dockerfile}
		for k, v := range labels() {
			args = append(args, "--label", k+"="+v)
		}
		if image := os.Getenv("GO_IMAGE"); image != "" {
			args = append(args, "--build-arg", "GO_IMAGE="+image)
		}
		command{}.must(t, "docker", append(args, ".")...)
	}
	build(tag, "Dockerfile")

	m := newMesh(t, Image(tag))
	two := m.grow(2)
	m.awaitMeshed(10 * time.Second)
	m.saySome(1, "built for real")
	m.awaitHeard(5 * time.Second)
	command{}.must(t, "docker", "exec", two[0].id, "/peer", "health")

	build(tag+"-lab", "lab/Dockerfile")
	if out := (command{}).must(t, "docker", "run", "--rm", "--network", "none", tag+"-lab", "--help"); !strings.Contains(out, "Usage: lab") {
		t.Errorf("the lab's image says %q", out)
	}
}
