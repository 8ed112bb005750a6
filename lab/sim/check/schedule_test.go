package check

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What is made of a seed is made of it again, and its text says all of it.
func TestSeedsMakeSchedules(t *testing.T) {
	verbs, idle := map[Verb]int{}, 0
	for seed := uint64(1); seed <= 400; seed++ {
		s := Make(seed, 6, 12)
		if again := Make(seed, 6, 12).String(); again != s.String() {
			t.Fatalf("seed %d makes two schedules:\n%s\n%s", seed, s, again)
		}
		p, err := Parse(s.String())
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, s)
		}
		if p.String() != s.String() {
			t.Fatalf("seed %d is read back as another:\n%s\n%s", seed, s, p)
		}
		if s.Peers < 6 || s.Peers > 12 {
			t.Errorf("seed %d has %d peers", seed, s.Peers)
		}
		if !slices.IsSortedFunc(s.Steps, func(a, b Step) int { return int(a.At - b.At) }) {
			t.Errorf("seed %d goes back in time:\n%s", seed, s)
		}
		for _, step := range s.Steps {
			verbs[step.Verb]++
		}
		if s.End > 45*time.Second {
			idle++
		}
	}
	for _, v := range []Verb{Start, Stop, Kill, Crash, Restart, Pause, Resume, Firewall, Unfirewall, Skew, Send, Partition, Cut, Clog, Slow, Lag, Lose, Flap, Free} {
		if verbs[v] == 0 {
			t.Errorf("no schedule has %s", v)
		}
	}
	if idle > 40 {
		t.Errorf("%d of 400 schedules are long: they cost most of the time", idle)
	}
}

func TestParseComplaints(t *testing.T) {
	head := "peers 4\n"
	for _, test := range []struct{ text, want string }{
		{"", "how many peers"},
		{"seed 1\nend", "line 2: end"},
		{"seed one\n", "line 1: seed"},
		{"peers 0\n", "line 1: peers"},
		{"peers 1000000000\n", "line 1: peers"},
		{head, "when act one ends"},
		{head + "colour blue\n", "line 2: colour: nothing is known"},
		{head + "loss 5\n", "line 2: loss"},
		{head + "multicast maybe\n", "yes or no"},
		{head + "links 3\nserve 2\n1s end", "serve 2 is below links 3"},
		{head + "multicast no\n1s end", "join list"},
		{head + "domains 2\n1s end", "join list"},
		{head + "slots 1 3/2\n", "write it as 2,3 1/2"},
		{head + "slots 9 1/2\n", "none of the peers"},
		{head + "join 5\n", "none of the peers 1 to 4"},
		{head + "retain 1ms\n", "line 2: retain"},
		{head + "1s\n", "after the time comes"},
		{head + "1s kill\n", "after the time comes"},
		{head + "1s shout 1\n1s end", "line 2: shout: nothing is known"},
		{head + "1s kill 0\n", "none of the peers 1 to 4"},
		{head + "1s kill 1 2\n", `comes ""`},
		{head + "-1s kill 1\n", "line 2: -1s"},
		{head + "99h kill 1\n", "no time from"},
		{"1s kill 1\n" + head, "comes first"},
		{head + "1s partition 1,2\n", "one part"},
		{head + "1s cut 1\n", "1>2 for one direction"},
		{head + "1s delay 1>2\n", "50ms±10ms"},
		{head + "1s delay 1>2 soon\n", "no delay"},
		{head + "1s slow 1>2 0B\n", "say clog"},
		{head + "1s skew 1 NaN\n", "a clock's speed"},
		{head + "1s skew 1 100\n", "a clock's speed"},
		{head + "1s flap 1-2 every 1ns for 1s\n", "no time from"},
		{head + "1s send 1 count 1 every 1s size 1MiB\n", "at most 65536 bytes"},
		{head + "1s send 1 number 1 every 1s size 1B\n", "count 20 every"},
		{head + "1s send 1 count 99999999 every 1s size 1B\n", "no number from"},
		{head + "3s kill 1\n2s end", "after the end of act one"},
		{head + "2s end\n2s kill 1", "line 3: 2s: nothing follows the end"},
		{head + "peers 5\n2s end", "line 2: peers is said a second time"},
		{head + "loss 1%\nloss 2%\n2s end", "line 3: loss is said a second time"},
		{head + "latency 0s\n", "say 1us for hardly any"},
		{head + "bandwidth 0B\n", "line 2: bandwidth"},
		{head + "retain-bytes 0B\n", "line 2: retain-bytes"},
		{head + "found first\n", "line 2: found"},
		{head + "1s partition 1,2/2,3\n", "line 2: partition: peer 2 is in two parts"},
		{head + "1s cut 1>1\n", "line 2: cut: there is nothing between peer 1 and itself"},
		{head + "1s loss 2-2 30%\n", "between peer 2 and itself"},
		{head + "1s kill 1,2,1\n", "peer 1 is said twice"},
	} {
		s, err := Parse(test.text)
		if err == nil {
			t.Errorf("%q is read as\n%s", test.text, s)
		} else if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want %q", test.text, err, test.want)
		}
	}
}

// A schedule is written by hand, too, with remarks.
func TestParseByHand(t *testing.T) {
	s, err := Parse(`
		peers 3     # a small one
		multicast yes

		0s   start 1,2,3
		2s   delay 1-2 50ms+-10ms
		2s   cut 1>*
		3s   partition none
		4s   end
	`)
	if err != nil {
		t.Fatal(err)
	}
	want := "seed 0\npeers 3\n0s start 1,2,3\n2s delay 1-2 50ms±10ms\n2s cut 1>*\n3s partition none\n4s end\n"
	if s.String() != want {
		t.Errorf("it is read as\n%s", s)
	}
}

// A smaller schedule says which seed was found, also where it needs the chance of another.
func TestASmallerScheduleSaysWhatWasFound(t *testing.T) {
	s, err := Parse("found 9\nseed 13\npeers 3\n1s end")
	if err != nil || s.Found != 9 || s.Seed != 13 || !strings.HasPrefix(s.String(), "found 9\nseed 13\n") {
		t.Errorf("%v: it is read as\n%s", err, s)
	}
	s, err = Parse("seed 13\npeers 3\n1s end")
	if err != nil || s.Found != 13 || strings.Contains(s.String(), "found") {
		t.Errorf("%v: it is read as\n%s", err, s)
	}
	if made := Make(7, 6, 12); made.Found != 7 || made.Seed != 7 {
		t.Errorf("seed 7 makes a schedule of %d with the chance of %d", made.Found, made.Seed)
	}
}

func FuzzParse(f *testing.F) {
	for seed := uint64(1); seed <= 20; seed++ {
		f.Add(Make(seed, 6, 12).String())
	}
	f.Add("peers 2\n1s partition 1/2\n1s end")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is written as %q, which is read as %v, %v", text, s, again, err)
		}
	})
}
