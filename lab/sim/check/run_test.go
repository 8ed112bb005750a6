package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearsay/lab/sim"
)

// Who watches changes nothing, and whether spans are made changes nothing that peers decide.
func TestWatchingChangesNothing(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		s := Make(seed, 6, 12)
		plain := s.Run(Options{})
		if told := s.Run(Options{Account: NewAccount()}); told.Digest != plain.Digest {
			t.Errorf("seed %d is another run when it is watched", seed)
		}
		if s.Bandwidth > 0 || strings.Contains(s.String(), " slow ") || strings.Contains(s.String(), " kill ") || strings.Contains(s.String(), " restart ") {
			continue // a frame with a context in it is longer, and so takes longer, or is cut at another place
		}
		sampled := s.Run(Options{Sampled: true})
		if sampled.Events != plain.Events || sampled.Virtual != plain.Virtual {
			t.Errorf("seed %d has %d events in %v, and sampled %d in %v", seed, plain.Events, plain.Virtual, sampled.Events, sampled.Virtual)
		}
	}
}

// The schedules in testdata/found have broken promises once; each is named after what it showed. The tests of
// the peers' own packages say more exactly what was mended.
func TestFoundSchedules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "found", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schedules: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			a := NewAccount()
			if v := s.Run(Options{Account: a}).Violation; v != nil {
				t.Errorf("it breaks one again:\n%s", a.Around(v))
			}
		})
	}
}

// A run in which nothing could break proves nothing, and says so.
func TestIdle(t *testing.T) {
	for _, test := range []struct {
		name, steps string
		idle        bool
	}{
		{"no fault", "1s send 1 count 5 every 100ms size 10B", true},
		{"nothing said", "1s kill 2", true},
		{"all was said before", "1s send 1 count 5 every 10ms size 10B\n6s kill 2", true},
		{"of the dead", "1s kill 3\n8s send 1 count 3 every 10ms size 10B\n9s kill 3", true},
		{"a partition of nobody", "5s send 1 count 9 every 10ms size 10B\n5.01s partition 4/1,2,3", true},
		{"a fault while something is said", "5s send 1 count 9 every 100ms size 10B\n5.3s kill 2", false},
		{"a pause that goes on", "5s pause 2\n6s send 1 count 1 every 10ms size 10B", false},
	} {
		s, err := Parse("peers 4\n0s start 1,2,3\n" + test.steps + "\n10s end")
		if err != nil {
			t.Fatal(err)
		}
		o := s.Run(Options{})
		if o.Violation != nil {
			t.Errorf("%s: %v", test.name, o.Violation)
		}
		if o.Idle() != test.idle {
			t.Errorf("%s: idle is %v; %d faults, %d messages at stake", test.name, o.Idle(), o.Faults, o.AtStake)
		}
	}
}

// A panic in the peers' code, or in whoever watches, is told as a violation and does not end the search.
func TestPanicIsAViolation(t *testing.T) {
	o := Make(1, 6, 12).Run(Options{Watch: []sim.Watcher{panics{}}})
	if o.Violation == nil || o.Violation.Rule != "panic" || !strings.Contains(o.Violation.What, "on purpose") {
		t.Errorf("it is told as %v", o.Violation)
	}
}

type panics struct{}

func (panics) Observe(*sim.World, *sim.Host, *sim.Observation) { panic("on purpose") }
