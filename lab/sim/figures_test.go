package sim

import (
	"testing"
	"time"

	"hearsay/peer/plumtree"
)

func TestSteadyFigures(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	list := []Message{
		{At: at(100), Heard: 4, Last: at(103), MaxHops: 3},
		{At: at(200), Heard: 4, Last: at(201), MaxHops: 2},
		{At: at(300), Heard: 2, Last: at(309), MaxHops: 5},
		{At: at(400)}, // nobody heard it
	}
	var f Figures
	f.steady(list, 15)
	if f.RMR != 0.5 { // 15 copies for 10 deliveries
		t.Errorf("rmr is %v, want 0.5", f.RMR)
	}
	if f.LDHMean != 2.5 || f.LDHMax != 5 {
		t.Errorf("the last hop is %v in the mean and %v at most, want 2.5 and 5", f.LDHMean, f.LDHMax)
	}
	// To the last peer, sorted: 0, 1, 3 and 9 ms; by nearest rank.
	if f.LatencyP50 != 1 || f.LatencyP95 != 9 || f.LatencyMax != 9 {
		t.Errorf("latencies are %v, %v and %v ms, want 1, 9 and 9", f.LatencyP50, f.LatencyP95, f.LatencyMax)
	}
	if got := rmr([]Message{{}}, 7); got != -1 {
		t.Errorf("without a delivery rmr is %v, want -1", got)
	}
}

func TestRank(t *testing.T) {
	list := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]time.Duration{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.95: 10, 1: 10} {
		if got := rank(list, q); got != want {
			t.Errorf("rank %v is %v, want %v", q, got, want)
		}
	}
}

// firstOf is a first message that was due to n peers, and had by some after so many milliseconds.
func firstOf(n int, ms ...int) *first {
	f := &first{seq: 1, due: n}
	for _, d := range ms {
		f.reached = append(f.reached, time.Duration(d)*time.Millisecond)
	}
	return f
}

func TestFirstFigures(t *testing.T) {
	for name, test := range map[string]struct {
		first  *first
		healed int // ms; -1: never
		want   First
	}{
		"all of four, two before the mesh is whole": {firstOf(4, 1, 2, 1000, 1001), 500, First{Reliable: 1, InSecond: 0.75, Before: 0.5, MS99: 1001, MSAll: 1001}},
		"at the instant itself is not before":       {firstOf(2, 1, 2), 2, First{Reliable: 1, InSecond: 1, Before: 0.5, MS99: 2, MSAll: 2}},
		"one of four misses it":                     {firstOf(4, 1, 2, 3), 2, First{Reliable: 0.75, InSecond: 0.75, Before: 0.25, MS99: -1, MSAll: -1}},
		"99 of 100":                                 {firstOf(100, make([]int, 99)...), 5, First{Reliable: 0.99, InSecond: 0.99, Before: 0.99, MS99: 0, MSAll: -1}},
		"never whole":                               {firstOf(2, 1, 2), -1, First{Reliable: 1, InSecond: 1, Before: 1, MS99: 2, MSAll: 2}},
		"there was none":                            {&first{due: 3}, 1, First{-1, -1, -1, -1, -1}},
		"nobody was left to hear it":                {&first{seq: 1}, 1, First{-1, -1, -1, -1, -1}},
	} {
		healed := time.Duration(-1)
		if test.healed >= 0 {
			healed = time.Duration(test.healed) * time.Millisecond
		}
		if got := test.first.figures(healed); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestFirstHearsItsOwnMessageOnly(t *testing.T) {
	w := New(Config{Seed: 1})
	f := &first{origin: "a.1", seq: 2, due: 2}
	w.now = int64(5 * time.Millisecond)
	for _, d := range []plumtree.Delivery{{Origin: "a.1", Seq: 1}, {Origin: "b.1", Seq: 2}, {Origin: "a.1", Seq: 2}} {
		f.heard(w, &d)
	}
	if len(f.reached) != 1 || f.reached[0] != 5*time.Millisecond {
		t.Errorf("it was heard after %v, want once, after 5ms", f.reached)
	}
}

// When all that was said until an instant was everywhere: the last delivery of those messages, and no earlier
// than the instant itself.
func TestEverywhere(t *testing.T) {
	l := &Ledger{Speakers: []*Speaker{
		{Messages: []Message{{At: 1, Last: 8}, {At: 9, Last: 20}}},
		{Messages: []Message{{At: 10, Last: 14}, {At: 11, Last: 99}}},
	}}
	for until, want := range map[time.Duration]time.Duration{10: 20, 8: 8, 30: 99} {
		if got := l.everywhere(until); got != want {
			t.Errorf("what was said until %d was everywhere at %d, want %d", until, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	if got := since(time.Second, 1500*time.Millisecond); got != 500 {
		t.Errorf("%v ms, want 500", got)
	}
	if since(-1, 5) != -1 || since(5, -1) != -1 {
		t.Error("an instant that never came has a distance")
	}
}

func TestDelays(t *testing.T) {
	var d Delays
	want := []time.Duration{50 * time.Microsecond, time.Millisecond, time.Millisecond, 3 * time.Second}
	for _, x := range want {
		d.Add(x)
	}
	var at []time.Duration
	var upTo []int
	d.Each(func(t time.Duration, n int) { at, upTo = append(at, t), append(upTo, n) })
	if d.Len() != 4 || len(at) != 3 || upTo[0] != 1 || upTo[1] != 3 || upTo[2] != 4 {
		t.Fatalf("%d durations, in classes %v of %v", d.Len(), at, upTo)
	}
	for i, w := range []time.Duration{want[0], want[1], want[3]} {
		if off := float64(at[i])/float64(w) - 1; off > 0.02 || off < -0.02 {
			t.Errorf("%v is taken for %v", w, at[i])
		}
	}
}
