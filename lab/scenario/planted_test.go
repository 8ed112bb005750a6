//go:build planted

package scenario

import (
	"path/filepath"
	"slices"
	"testing"

	"hearsay/peer/planted"
)

// show are the bugs that show in what a scenario can expect, and the expectation that must fail. Of a run in which the
// simulator itself sees a promise broken, it is that the steps could be carried out. The others are for lab sim check,
// which looks for the one schedule in a thousand where they do harm.
var show = map[planted.Bug]string{
	planted.DropMessage: "steps", planted.DeliverTwice: "steps", planted.SwapDeliveries: "steps", planted.CorruptResent: "steps",
	planted.NeverPrune: "rmr", planted.ServeSiphoners: "steps", planted.NeverNotice: "meshed", planted.NeverReplace: "meshed",
}

// TestPlantedBugs puts bugs into the peers themselves, and wants the shipped scenarios to find them:
//
//	go test -tags planted ./lab/scenario -run Planted
func TestPlantedBugs(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	defer planted.Plant(planted.None)
	for bug, want := range show {
		planted.Plant(bug)
		var failed []string
		for seed := uint64(1); seed <= seeds && !slices.Contains(failed, want); seed++ {
			for _, file := range files {
				sc, err := Load(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range simulated(t, sc, seed).Verdict.Expectations {
					if !e.OK {
						failed = append(failed, e.Name)
					}
				}
			}
		}
		if !slices.Contains(failed, want) {
			t.Errorf("with %v planted, %q does not fail in any scenario with %d seeds; what fails is %q", bug, want, seeds, failed)
		}
	}
}

// seeds is with how many of them a scenario is tried: a mesh may have links enough left by luck.
const seeds = 10
