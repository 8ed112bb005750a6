package scenario

import (
	"path/filepath"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
)

// simulated runs a scenario on the simulator.
func simulated(t *testing.T, sc *Scenario, seed uint64, progress bool) *Result {
	t.Helper()
	c, err := simfleet.Config(fleet.Config{Flags: sc.Options}, seed)
	if err != nil {
		t.Fatal(err)
	}
	f := simfleet.New(c)
	defer f.Close()
	cfg := Config{Seed: seed, Version: "test", Spans: func() []*tracepb.ResourceSpans { all, _ := f.Spans(); return all }}
	if progress {
		cfg.Progress = func(at time.Duration, text string) { t.Logf("%7.3f s  %s", at.Seconds(), text) }
	}
	res, err := Run(t.Context(), sc, f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestShippedScenarios runs what the lab ships with on the simulator, where each is over in a moment.
func TestShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios are shipped: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			sc, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			res := simulated(t, sc, 1, true)
			for _, e := range res.Verdict.Expectations {
				t.Logf("%-12s want %-30s got %s", e.Name, e.Want, e.Got)
			}
			if !res.Verdict.OK {
				t.Errorf("%s fails: %+v", file, res.Verdict.Expectations)
			}
			t.Logf("%+v", res.Verdict.Figures)
		})
	}
}
