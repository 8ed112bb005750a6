package watch

import (
	"slices"
	"testing"

	"hearsay/lab/fleet"
)

// circle links so many peers in a circle, and each with the one after the next.
func circle(t *testing.T, peers int) *tale {
	x := newTale(t, peers)
	for n := 1; n <= peers; n++ {
		x.link(10, n, n%peers+1)
		x.link(10, n, (n+1)%peers+1)
	}
	return x
}

func (x *tale) lastFault() Fault { list := x.m.Faults(); return list[len(list)-1] }

// A mesh that is to grow is not whole before the newcomers are in it, however whole it was without them.
func TestNewcomersCount(t *testing.T) {
	x := circle(t, 5)
	x.fault(300, "scale 7", 6, 7)
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"announced", func() {}},
		{"one has started", func() { x.start(350, 6) }},
		{"both have", func() { x.start(360, 7) }},
		{"one has links", func() { x.link(370, 6, 1); x.link(371, 6, 2) }},
		{"the other has one", func() { x.link(380, 7, 1) }},
	} {
		if step.do(); x.lastFault().Healed >= 0 || x.m.Figures().HealedMS >= 0 {
			t.Fatalf("%s: it has healed: %+v", step.what, x.lastFault())
		}
	}
	x.link(400, 7, 2)
	if f := x.lastFault(); f.Healed != 100 || x.m.Figures().HealedMS != 100 {
		t.Errorf("it healed after %v ms", f.Healed)
	}
}

// Neighbors are those who live, each once, however many links they had to the dead, and links among the dead are nobody's.
func TestWhoNotices(t *testing.T) {
	x := circle(t, 6)
	dead := []int{4, 5, 6}
	x.fault(100, "kill 4,5,6", dead...)
	for _, n := range dead {
		x.event(101, fleet.Ended, n, "", "kill")
	}
	if f := x.lastFault(); f.Neighbors != 3 || f.Noticed >= 0 {
		t.Errorf("before anybody has noticed: %+v", f)
	}
	for ms, n := range []int{1, 2, 3} {
		for _, far := range dead {
			x.unlink(110+float64(ms), n, far, "reset")
		}
	}
	if f := x.lastFault(); f.Neighbors != 3 || f.Noticed != 12 {
		t.Errorf("after it: %+v", f)
	}
	x.fault(200, "kill 1,2,3", 1, 2, 3)
	for n := range 3 {
		x.event(201, fleet.Ended, n+1, "", "kill")
	}
	if f := x.lastFault(); f.Neighbors != 0 || f.Noticed >= 0 {
		t.Errorf("nobody is left to notice: %+v", f)
	}
	if f := x.m.Figures(); f.Meshed || f.Why != "nobody runs" {
		t.Errorf("all are dead: %+v", f)
	}
}

// One who dies or is paused before it has noticed is not waited for.
func TestWhoCannotNotice(t *testing.T) {
	x := circle(t, 5)
	x.fault(100, "kill 5", 5)
	x.event(100, fleet.Ended, 5, "", "kill")
	x.unlink(101, 1, 5, "reset")
	x.unlink(103, 2, 5, "reset")
	x.event(105, fleet.Ended, 3, "", "kill")
	if f := x.m.Faults()[0]; f.Neighbors != 3 || f.Noticed >= 0 {
		t.Errorf("one is still to notice: %+v", f)
	}
	x.event(107, fleet.Paused, 4, "", "")
	if f := x.m.Faults()[0]; f.Neighbors != 2 || f.Noticed != 3 {
		t.Errorf("all have noticed who can: %+v", f)
	}
}

// A cut is counted in links, by both their ends.
func TestLinksAcross(t *testing.T) {
	x := circle(t, 6)
	x.fault(100, "partition 1,2,3/4,5,6", 4, 5, 6)
	if f := x.lastFault(); f.Links != 6 || f.Neighbors != 6 {
		t.Errorf("%+v", f)
	}
}

// A paused root is one for as long as others follow it.
func TestPausedRoot(t *testing.T) {
	x := circle(t, 5)
	for n := 1; n <= 5; n++ {
		x.event(20, fleet.Rooted, n, x.id(1), "")
	}
	x.fault(100, "pause 1", 1)
	x.event(100, fleet.Paused, 1, "", "")
	x.now(150)
	if f := x.m.Figures(); !slices.Equal(f.Roots, []int{1}) {
		t.Errorf("while all follow it the roots are %v", f.Roots)
	}
	for n := 2; n <= 5; n++ {
		x.event(3000, fleet.Rooted, n, x.id(2), "")
	}
	if f := x.m.Figures(); !slices.Equal(f.Roots, []int{2}) {
		t.Errorf("the others follow another, and the roots are %v", f.Roots)
	}
	b := x.m.Flush(at(3100))
	if i := slices.IndexFunc(b.Peers, func(p PeerView) bool { return p.Number == 1 }); i < 0 || b.Peers[i].Root {
		t.Errorf("what is told of it: %+v", b.Peers)
	}
	x.event(4000, fleet.Resumed, 1, "", "")
	if f := x.m.Figures(); !slices.Equal(f.Roots, []int{1, 2}) {
		t.Errorf("it goes on and takes itself for the root, and the roots are %v", f.Roots)
	}
}
