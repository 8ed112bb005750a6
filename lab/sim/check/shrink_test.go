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
