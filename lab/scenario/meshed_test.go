package scenario

import (
	"errors"
	"strings"
	"testing"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// ring is a good mesh of peers a, b, c, …: each dials the next one.
func ring(ids string) *view {
	v := &view{errs: make([]error, len(ids))}
	for i := range ids {
		at := func(k int) string { return string(ids[(k+len(ids))%len(ids)]) }
		v.peers = append(v.peers, fleet.Peer{Number: i + 1, Name: at(i), ID: at(i), Alive: true})
		v.statuses = append(v.statuses, &node.Status{ID: at(i), Links: []node.LinkStatus{
			{ID: at(i + 1), Name: at(i + 1), Dir: "out"}, {ID: at(i - 1), Name: at(i - 1), Dir: "in"},
		}})
	}
	return v
}

// drop has peer i know nothing of its link to far any more.
func (v *view) drop(i int, far string) {
	st := v.statuses[i]
	for k := range st.Links {
		if st.Links[k].ID == far {
			st.Links = append(st.Links[:k:k], st.Links[k+1:]...)
			return
		}
	}
}

func (v *view) end(i int) { v.peers[i].Alive, v.statuses[i] = false, nil }

func TestMeshedJudge(t *testing.T) {
	one := func(int) int { return 0 }
	nobody := func(int) bool { return false }
	halves := func(n int) int { return (n - 1) / 3 } // 1 to 3, 4 to 6
	for _, test := range []struct {
		name     string
		view     *view
		do       func(v *view)
		side     func(int) int
		siphoner func(int) bool
		parts    int
		why      string
	}{
		{"a ring", ring("abcd"), func(*view) {}, one, nobody, 1, ""},
		{"alone", ring("a"), func(v *view) { v.statuses[0].Links = nil }, one, nobody, 1, ""},
		{"a pair", ring("ab"), func(*view) {}, one, nobody, 1, ""},
		{"a link to the dead", ring("abcd"), func(v *view) { v.end(2) }, one, nobody, 1, "b has a link to c, which is gone"},
		{"a link that one end knows", ring("abcd"), func(v *view) { v.drop(1, "a") }, one, nobody, 1, "a has a link to b, which has none to it"},
		{"a tail", ring("abcd"), func(v *view) { v.drop(0, "b"); v.drop(1, "a") }, one, nobody, 1, "a has 1 neighbors"},
		{"no answer", ring("abcd"), func(v *view) { v.statuses[1] = nil; v.errs[1] = errors.New("timeout") }, one, nobody, 1, "b does not answer: timeout"},
		{"just started again", ring("abcd"), func(v *view) { v.peers[3].ID = "e" }, one, nobody, 2, "d has just been started again"},
		{"a paused peer that others still count on", ring("abcd"), func(v *view) { v.peers[0].Paused, v.statuses[0] = true, nil }, one, nobody, 1, "which is gone"},
		{"two parts", func() *view {
			v, w := ring("abc"), ring("def")
			for i := range w.peers {
				w.peers[i].Number += 3
			}
			return &view{peers: append(v.peers, w.peers...), statuses: append(v.statuses, w.statuses...), errs: make([]error, 6)}
		}(), func(*view) {}, one, nobody, 2, "there are 2 parts"},
		{"two sides of a cut", func() *view {
			v, w := ring("abc"), ring("def")
			for i := range w.peers {
				w.peers[i].Number += 3
			}
			return &view{peers: append(v.peers, w.peers...), statuses: append(v.statuses, w.statuses...), errs: make([]error, 6)}
		}(), func(*view) {}, halves, nobody, 2, ""},
		{"a link across the cut", ring("abcdef"), func(*view) {}, halves, nobody, 1, "across the cut"},
		{"a siphoner that hangs on to it", ring("abcd"), func(v *view) {
			v.peers = append(v.peers, fleet.Peer{Number: 5, Name: "s", ID: "s", Alive: true})
			v.statuses = append(v.statuses, &node.Status{ID: "s", Links: []node.LinkStatus{{ID: "a", Name: "a", Dir: "out"}}})
			v.errs = append(v.errs, nil)
			v.statuses[0].Links = append(v.statuses[0].Links, node.LinkStatus{ID: "s", Name: "s", Dir: "in"})
		}, one, func(n int) bool { return n == 5 }, 1, ""},
		{"a siphoner is nobody's only neighbor", ring("ab"), func(v *view) { v.statuses[0].Links, v.statuses[1].Links = nil, nil }, one,
			func(n int) bool { return n == 2 }, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do(test.view)
			s := test.view.judge(test.side, test.siphoner)
			if s.parts != test.parts || test.why == "" && s.why != "" || !strings.Contains(s.why, test.why) {
				t.Errorf("%d parts, %q; want %d and %q", s.parts, s.why, test.parts, test.why)
			}
		})
	}
}
