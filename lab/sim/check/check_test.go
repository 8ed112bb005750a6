package check

import (
	"fmt"
	"strings"
	"testing"
)

// The same seed is the same schedule and the same run, on any machine: these are the digests of all that was
// sent in three of them. A change of the protocol changes them, and they are taken down anew.
var digests = map[uint64]uint64{1: 0xaf601b38cb1e7f45, 2: 0x18362a31c7252166, 3: 0xc05c3085c15482f8}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	for seed, want := range digests {
		done := make(chan uint64)
		for range 2 { // side by side: worlds share nothing
			go func() { done <- Make(seed, 6, 12).Run(Options{}).Digest }()
		}
		for range 2 {
			if got := <-done; got != want {
				t.Errorf("seed %d: the digest is %#x and was %#x", seed, got, want)
			}
		}
	}
}

func TestAScheduleIsItsText(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		s := Make(seed, 3, 20)
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("seed %d: %v\n%s\nis read as\n%s", seed, err, s, again)
		}
	}
}

func TestTextThatIsNone(t *testing.T) {
	good := "seed 1\npeers 3\n0s start 1,2,3\n%s\n20s end\n"
	for line, says := range map[string]string{
		"1s kill 4":                            "line 4: kill: \"4\" is none of the peers 1 to 3",
		"1s explode 1":                         "line 4: explode: nothing is known of it",
		"1s skew 1 9":                          "a clock's speed is between 0.5 and 2",
		"1s send 1 count 3":                    "after the peers comes",
		"1s partition 1,2,3":                   "is one part",
		"1h kill 1":                            "is after the end of act one",
		"colour red":                           "colour: nothing is known of it",
		"multicast no":                         "without multicast nobody finds anybody",
		"1s send 1 count 1 every 0s size 1MiB": "a message has at most",
	} {
		if _, err := Parse(fmt.Sprintf(good, line)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, and not %q", line, err, says)
		}
	}
	if _, err := Parse(fmt.Sprintf(good, "# nothing")); err != nil {
		t.Error(err)
	}
}

func TestSearch(t *testing.T) {
	told := uint64(0)
	s := Search{From: 1, Seeds: 40, Least: 6, Most: 12, Parallel: 2, Tell: func(r *Result) { told = r.Seeds }}
	r := s.Run()
	for _, f := range r.Found {
		t.Errorf("seed %d: %v", f.Seed, f.Violation)
	}
	if r.Seeds != 40 || r.Idle > 8 || told != 40 || r.Faults == 0 || r.Messages == 0 || r.Stopped {
		t.Errorf("40 seeds come to %+v", r)
	}
	s.Stop = func() bool { return true }
	if r := s.Run(); !r.Stopped || r.Seeds > 2 {
		t.Errorf("a search that is stopped at once comes to %+v", r)
	}
}
