package scenario

import (
	"testing"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
)

// simulated runs a scenario on the simulator.
func simulated(t *testing.T, sc *Scenario, seed uint64) *Result {
	t.Helper()
	c, err := simfleet.Config(fleet.Config{Flags: sc.Options}, seed)
	if err != nil {
		t.Fatal(err)
	}
	f := simfleet.New(c)
	defer f.Close()
	cfg := Config{Seed: seed, Version: "test", Spans: f.Spans}
	res, err := Run(t.Context(), sc, f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
