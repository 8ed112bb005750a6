package integration_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"go.yaml.in/yaml/v3"
)

// Tracing is a collector and a Jaeger beside a mesh, with the images, the command and the configuration that compose.yaml gives them.
type Tracing struct {
	mesh              *Mesh
	collector, jaeger *service
}

// service is one of the two.
type service struct {
	mesh *Mesh
	name string
	id   string
	url  string // of the port that tells whether it is ready, and, for Jaeger, of its API
	port string
	path string
}

// Traced puts a collector and a Jaeger into the mesh's network, and has the peers report to them.
func Traced(m *Mesh) {
	m.tracing = &Tracing{mesh: m}
	m.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://otel-collector:4317"
	m.env["OTEL_BSP_SCHEDULE_DELAY"] = "200"
}

// composeFile is what is read from compose.yaml, so that it stands in one place.
type composeFile struct {
	Services map[string]struct {
		Image   string
		Command []string
		Configs []struct{ Source, Target string }
	}
	Configs map[string]struct{ File string }
}

func readCompose() (composeFile, error) {
	var c composeFile
	body, err := os.ReadFile(filepath.Join(repo, "compose.yaml"))
	if err == nil {
		err = yaml.Unmarshal(body, &c)
	}
	return c, err
}

func (tr *Tracing) start(m *Mesh) {
	m.t.Helper()
	compose, err := readCompose()
	must(m.t, "read compose.yaml", err)
	tr.jaeger = &service{mesh: m, name: "jaeger", port: "16686/tcp", path: "/"}
	tr.collector = &service{mesh: m, name: "otel-collector", port: "13133/tcp", path: "/"}
	for _, s := range []*service{tr.jaeger, tr.collector} {
		must(m.t, "create "+s.name, s.create(compose))
		s.start()
	}
}

func (s *service) create(compose composeFile) error {
	from, ok := compose.Services[s.name]
	if !ok {
		return errors.New("compose.yaml has no such service")
	}
	ctx, cancel := context.WithTimeout(s.mesh.t.Context(), 5*time.Minute)
	defer cancel()
	var files []testcontainers.ContainerFile
	for _, c := range from.Configs {
		body, err := os.ReadFile(filepath.Join(repo, compose.Configs[c.Source].File))
		if err != nil {
			return err
		}
		files = append(files, testcontainers.ContainerFile{Reader: bytes.NewReader(body), ContainerFilePath: c.Target, FileMode: 0o644})
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:          from.Image,
			Cmd:            from.Command,
			Name:           s.mesh.name + "-" + s.name,
			Labels:         labels(),
			Files:          files,
			ExposedPorts:   []string{s.port},
			Networks:       []string{s.mesh.network.Name},
			NetworkAliases: map[string][]string{s.mesh.network.Name: {s.name}},
			HostConfigModifier: func(h *container.HostConfig) {
				h.PortBindings = atLoopback(s.port)
				h.CapDrop = []string{"ALL"}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("%w (where the image cannot be pulled, .ci/offline/build builds it)", err)
	}
	s.id = c.GetContainerID()
	return nil
}

// start starts the service, for the first time or again, and waits until it answers: a collector with a bad configuration
// exits at once, and the peers would only say so in their logs.
func (s *service) start() {
	s.mesh.t.Helper()
	s.mesh.events.add("start %s", s.name)
	ctx := context.Background()
	_, err := s.mesh.docker.ContainerStart(ctx, s.id, client.ContainerStartOptions{})
	must(s.mesh.t, "start "+s.name, err)
	in, err := s.mesh.docker.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	must(s.mesh.t, "inspect "+s.name, err)
	bindings := in.Container.NetworkSettings.Ports[mobynet.MustParsePort(s.port)]
	if len(bindings) == 0 {
		s.mesh.t.Fatalf("%s ended as soon as it was started:\n%s", s.name, s.mesh.logs(s.id))
	}
	s.url = fmt.Sprintf("http://%s:%s", loopback, bindings[0].HostPort)
	eventually(s.mesh.t, 30*time.Second, s.name+" answers", func() error {
		resp, err := http.Get(s.url + s.path)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// kill kills the service, and proves that it does not answer.
func (s *service) kill() {
	s.mesh.t.Helper()
	s.mesh.events.add("kill %s", s.name)
	_, err := s.mesh.docker.ContainerKill(context.Background(), s.id, client.ContainerKillOptions{Signal: "SIGKILL"})
	must(s.mesh.t, "kill "+s.name, err)
	eventually(s.mesh.t, 10*time.Second, s.name+" is gone", func() error {
		if resp, err := http.Get(s.url + s.path); err == nil {
			resp.Body.Close()
			return errors.New("it still answers")
		}
		return nil
	})
}

func (tr *Tracing) containers() map[string]string {
	out := map[string]string{}
	for _, s := range []*service{tr.collector, tr.jaeger} {
		if s != nil && s.id != "" {
			out[s.name] = s.id
		}
	}
	return out
}

func (tr *Tracing) remove(ctx context.Context) error {
	var errs []error
	for _, id := range tr.containers() {
		_, err := tr.mesh.docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
