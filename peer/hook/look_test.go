package hook

import (
	"slices"
	"testing"
	"time"

	"hearsay/peer/node"
)

func TestLooker(t *testing.T) {
	var l looker
	now := time.Unix(1000, 0)
	see := func(what string, s node.Status, want ...string) {
		t.Helper()
		now = now.Add(LookEvery)
		var got []string
		for _, e := range l.see(now, &s) {
			got = append(got, e.Kind+" "+e.Far+" "+e.Reason)
			if e.Kind == "link-up" && e.At.Equal(now) {
				t.Errorf("%s: a link came up when it was seen, not when it did", what)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	link := func(id, dir string, eager bool, age int64) node.LinkStatus {
		return node.LinkStatus{ID: id, Dir: dir, Eager: eager, SinceMS: age}
	}
	see("at first", node.Status{Root: "a", Links: []node.LinkStatus{link("b", "out", true, 10), link("c", "in", false, 20)}, Healed: node.HealStatus{Count: 3}},
		"link-up b out", "eager b ", "link-up c in", "lazy c ", "rooted a ")
	see("nothing new", node.Status{Root: "a", Links: []node.LinkStatus{link("b", "out", true, 260), link("c", "in", false, 270)}, Healed: node.HealStatus{Count: 3}})
	see("a mode and a root", node.Status{Root: "c", Links: []node.LinkStatus{link("b", "out", false, 510), link("c", "in", false, 520)}, Healed: node.HealStatus{Count: 3}},
		"lazy b ", "rooted c ")
	see("another link to the same", node.Status{Root: "c", Links: []node.LinkStatus{link("b", "out", true, 5), link("c", "in", false, 770)}, Healed: node.HealStatus{Count: 4}},
		"link-down b gone", "link-up b out", "eager b ", "healed  linked")
	see("all gone", node.Status{Root: "c", Links: []node.LinkStatus{link("c", "in", false, 1020)}, Healed: node.HealStatus{Count: 4}},
		"link-down b gone")
}
