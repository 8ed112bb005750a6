//go:build planted

package check

import (
	"runtime"
	"testing"

	"hearsay/peer/planted"
)

// within is how many schedules may pass until a planted bug is found.
const within = 2000

// TestPlantedBugs plants each bug in turn, and wants it found. What is never found was not looked for.
//
//	go test -tags planted ./lab/sim/check -run Planted -v
func TestPlantedBugs(t *testing.T) {
	defer planted.Plant(planted.None)
	if len(planted.All()) < 12 {
		t.Errorf("only %d bugs are planted", len(planted.All()))
	}
	for _, info := range planted.All() {
		planted.Plant(info.Bug)
		var first *Found
		tried := uint64(0)
		s := Search{From: 1, Seeds: within, Least: 6, Most: 12, Parallel: runtime.NumCPU()}
		s.Tell = func(r *Result) { tried = r.Seeds }
		s.Enough = 1
		if r := s.Run(); len(r.Found) > 0 {
			first = &r.Found[0]
		}
		if first == nil {
			t.Errorf("%s is not found within %d schedules: %s", info.Name, within, info.What)
			continue
		}
		t.Logf("%-16s found by %-11s after %4d schedules: %s", info.Name, first.Violation.Rule, tried, info.What)
	}
}

// TestShrink makes what a planted bug breaks smaller, and wants the same promise broken by it.
func TestShrink(t *testing.T) {
	defer planted.Plant(planted.None)
	planted.Plant(planted.DeliverTwice)
	s := Search{From: 1, Seeds: within, Least: 6, Most: 12, Parallel: 1, Enough: 1}
	r := s.Run()
	if len(r.Found) == 0 {
		t.Fatal("it is not found")
	}
	f := r.Found[0]
	small := Shrink(f.Schedule, f.Violation.Rule, nil)
	o := small.Run(Options{})
	if o.Violation == nil || o.Violation.Rule != f.Violation.Rule {
		t.Errorf("the smaller schedule breaks %v, and not %v", o.Violation, f.Violation)
	}
	// Three peers that send one message are enough.
	if len(small.Steps) > 8 || len(small.Steps) >= len(f.Schedule.Steps) {
		t.Errorf("%d steps of %d are left:\n%s", len(small.Steps), len(f.Schedule.Steps), small)
	}
	again, err := Parse(small.String())
	if err != nil {
		t.Fatal(err)
	}
	if a := again.Run(Options{}); a.Violation == nil || a.Digest != o.Digest {
		t.Errorf("read again from its text it is another run: %v", a.Violation)
	}
}
