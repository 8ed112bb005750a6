package integration_test

import (
	"os"
	"testing"
	"time"
)

// The image that people build, by the whole of the Dockerfile, as it is. It takes most of a minute, so it is for CI,
// and for whoever sets HEARSAY_DOCKERFILE=1.
//
//	golang ─► go build ─► scratch + /peer   ─►   1 ─ 2
func TestDockerfile(t *testing.T) {
	if os.Getenv("CI") == "" && os.Getenv("HEARSAY_DOCKERFILE") != "1" {
		t.Skip("it takes most of a minute; HEARSAY_DOCKERFILE=1 runs it")
	}
	needDocker(t)
	tag := "hearsay-integration-dockerfile:" + run
	args := []string{"build", "--tag", tag}
	for k, v := range labels() {
		args = append(args, "--label", k+"="+v)
	}
	if image := os.Getenv("GO_IMAGE"); image != "" {
		args = append(args, "--build-arg", "GO_IMAGE="+image)
	}
	command{}.must(t, "docker", append(args, ".")...)

	m := newMesh(t, Image(tag))
	two := m.grow(2)
	m.awaitMeshed(10 * time.Second)
	m.saySome(1, "built for real")
	m.awaitHeard(5 * time.Second)
	command{}.must(t, "docker", "exec", two[0].id, "/peer", "health")
}
