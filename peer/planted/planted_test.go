package planted

import "testing"

func TestEveryBugHasAName(t *testing.T) {
	if len(infos) != int(count)-1 {
		t.Fatalf("%d bugs have %d names", count-1, len(infos))
	}
	for i, in := range infos {
		if int(in.Bug) != i+1 {
			t.Errorf("%s is out of its place", in.Name)
		}
		if b, ok := Named(in.Name); !ok || b != in.Bug || b.String() != in.Name {
			t.Errorf("%s is not found by its name", in.Name)
		}
	}
}

// What is built without the tag has no bug, whatever is asked for.
func TestNothingIsPlantedInANormalBuild(t *testing.T) {
	for _, in := range infos {
		Plant(in.Bug)
		if On(in.Bug) != Possible {
			t.Errorf("%s: planted is %v in a build where it is possible: %v", in.Name, On(in.Bug), Possible)
		}
	}
	Plant(None)
}
