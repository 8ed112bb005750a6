// Package scenarios_test runs the scenarios that the lab ships with, on every engine.
package scenarios_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/docker/testimage"
	"hearsay/lab/fleet/local"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/report"
	"hearsay/lab/scenario"
)

func TestMain(m *testing.M) {
	local.Main() // local peers are this program in another role
	dir, err := os.MkdirTemp("", "hearsay-suite-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir) // where peers leave notes
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// engine makes a fleet for a scenario, and says where its spans are.
type engine func(t *testing.T, sc *scenario.Scenario) (fleet.Fleet, func() ([]*tracepb.ResourceSpans, int))

func simulated(t *testing.T, sc *scenario.Scenario) (fleet.Fleet, func() ([]*tracepb.ResourceSpans, int)) {
	c, err := simfleet.Config(fleet.Config{Flags: sc.Options}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := simfleet.New(c)
	return f, f.Spans
}

func processes(t *testing.T, sc *scenario.Scenario) (fleet.Fleet, func() ([]*tracepb.ResourceSpans, int)) {
	c, err := scenario.NewCollector("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	f, err := local.New(fleet.Config{Flags: sc.Options, Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.Endpoint(), "OTEL_BSP_SCHEDULE_DELAY=100"}})
	if err != nil {
		t.Fatal(err)
	}
	return f, c.Spans
}

// containers makes a fleet of containers of an image, whose spans come to this machine's address in their network.
func containers(image string) engine {
	return func(t *testing.T, sc *scenario.Scenario) (fleet.Fleet, func() ([]*tracepb.ResourceSpans, int)) {
		f, err := docker.New(t.Context(), docker.Config{Config: fleet.Config{Flags: sc.Options}, Image: image})
		if err != nil {
			t.Fatal(err)
		}
		gateway, err := f.Gateway(t.Context())
		if err != nil {
			f.Close()
			t.Fatal(err)
		}
		c, err := scenario.NewCollector(gateway.String())
		if err != nil {
			f.Close()
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		f.Environ("OTEL_EXPORTER_OTLP_ENDPOINT="+c.Endpoint(), "OTEL_BSP_SCHEDULE_DELAY=100")
		return f, c.Spans
	}
}

// suite runs every scenario, and wants all of them to come out as expected. How long that takes is said and not
// judged: it is the machine's affair as much as ours.
// What a scenario leaves is kept where HEARSAY_EVIDENCE says, for whoever must find out why it did not.
func suite(t *testing.T, make engine, within time.Duration) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios are shipped: %v", len(files), err)
	}
	begun := time.Now()
	for _, file := range files {
		t.Run(file, func(t *testing.T) { one(t, file, make) })
	}
	t.Logf("the suite took %v; with the machine to itself it should take %v at most", time.Since(begun).Round(time.Second), within)
}

func one(t *testing.T, file string, make engine) {
	sc, err := scenario.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, spans := make(t, sc)
	t.Cleanup(func() { f.Close() })
	dir := filepath.Join(t.TempDir(), "run")
	if keep := os.Getenv("HEARSAY_EVIDENCE"); keep != "" {
		dir = filepath.Join(keep, f.Engine(), file)
	}
	folder, err := report.Create(dir, sc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := scenario.Config{Seed: 1, Version: "test", Began: f.Now(), Events: folder.Event, Spans: spans}
	cfg.Progress = func(at time.Duration, text string) { t.Logf("%7.2f s  %s", at.Seconds(), text) }
	folder.Begin(f.Engine(), cfg.Began)
	started := time.Now()
	res, err := scenario.Run(t.Context(), sc, f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Save(res, []string{"go", "test", "./lab/scenarios"}, started); err != nil {
		t.Error(err)
	}
	for _, e := range res.Verdict.Expectations {
		if !e.OK {
			t.Errorf("%s: want %s, got %s", e.Name, e.Want, e.Got)
		}
	}
	for _, w := range res.Wrong {
		t.Log(w)
	}
}

func TestSimulated(t *testing.T) { suite(t, simulated, 10*time.Second) }

func TestProcesses(t *testing.T) {
	if raced {
		t.Skip("with the race detector six processes take more of two cores than there is; the other pass runs them")
	}
	suite(t, processes, 2*time.Minute)
}

func TestContainers(t *testing.T) {
	if raced {
		t.Skip("the containers' peers have no race detector; the other pass runs them")
	}
	image, remove, err := testimage.Build(t.Context())
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("not skipped, since this is CI: it needs a Docker engine: %v", err)
	}
	if err != nil {
		t.Skipf("it needs a Docker engine: %v", err)
	}
	t.Cleanup(remove)
	suite(t, containers(image), 5*time.Minute)
}
