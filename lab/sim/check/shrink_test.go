package check

import "testing"

// A peer that is left out is in no step any more, and those behind it move up.
func TestDropAPeer(t *testing.T) {
	s, err := Parse(`
		peers 5
		join 3,5
		siphoners 3
		slots 2,3 1/2
		0s start 1,2,3,4,5
		1s kill 3
		1s partition 1,2/4,5
		1s partition 3/1,2,4,5
		1s partition none
		2s cut 3>*
		2s cut 4>3
		2s cut 1>*
		2s delay 2,3-3,5 5ms
		9s end
	`)
	if err != nil {
		t.Fatal(err)
	}
	s.drop(3)
	want := `seed 0
peers 4
join 4
slots 2 1/2
0s start 1,2,3,4
1s partition 1,2/3,4
1s partition none
2s cut 1>*
2s delay 2-4 5ms
9s end
`
	if s.String() != want {
		t.Errorf("it is\n%swant\n%s", s, want)
	}
}

// A step that is left with nothing to do is no schedule that could be read again.
func TestShrinkMakesNoContradiction(t *testing.T) {
	s, err := Parse("peers 3\n0s start 1,2,3\n1s cut 1,2>1,3\n2s end")
	if err != nil {
		t.Fatal(err)
	}
	c := s.clone()
	c.Steps[1].Peers, c.Steps[1].To = []int{1}, []int{1}
	k := &shrinker{best: s}
	if k.try(c) || k.tries > 0 {
		t.Errorf("it is tried:\n%s", c)
	}
}

// A mesh that never was whole is no slow one.
func TestNeverWholeIsNotSlow(t *testing.T) {
	s, err := Parse("seed 7\npeers 3\nlatency 1s\n0s start 1,2,3\n2s end") // dials are given up after two seconds
	if err != nil {
		t.Fatal(err)
	}
	o := s.Run(Options{})
	if o.Violation == nil || o.Violation.Rule != "whole" || o.Healed != 0 {
		t.Errorf("%v; it was whole after %v", o.Violation, o.Healed)
	}
	r := &Result{}
	r.add(7, s, o)
	if r.Healed != 0 || r.Slowest != 0 {
		t.Errorf("seed %d was whole after %v", r.Slowest, r.Healed)
	}
}
