package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// meshed says what keeps the peers from being one healthy mesh, or nil. In one:
//
//   - each link is listed by both its ends, out at one and in at the other, and no pair has two;
//   - every link leads to one of these peers, none to one that has gone;
//   - every peer is within its slots, and counts as its links are;
//   - every peer has two neighbors or more, if there are as many, so that no single death cuts it off;
//   - the links make one component.
//
// Strangers are ids of others that may be linked to, but are not part of the mesh: siphoners.
func meshed(statuses []Status, strangers ...string) error {
	if len(statuses) == 0 {
		return fmt.Errorf("there is no peer")
	}
	byID := map[string]Status{}
	for _, s := range statuses {
		if s.ID == "" {
			return fmt.Errorf("%s has no id", s.Name)
		}
		if other, ok := byID[s.ID]; ok {
			return fmt.Errorf("%s and %s have the same id %s", other.Name, s.Name, s.ID)
		}
		byID[s.ID] = s
	}
	for _, s := range statuses {
		if err := linked(s, byID, strangers); err != nil {
			return err
		}
	}
	return connected(statuses)
}

// linked checks one peer's links against what their other ends say.
func linked(s Status, byID map[string]Status, strangers []string) error {
	in, out, neighbors := 0, 0, 0
	seen := map[string]bool{}
	for _, l := range s.Links {
		switch l.Dir {
		case "in":
			in++
		case "out":
			out++
		default:
			return fmt.Errorf("%s has a link whose direction is %q", s.Name, l.Dir)
		}
		if seen[l.ID] {
			return fmt.Errorf("%s has two links to %s", s.Name, l.Name)
		}
		seen[l.ID] = true
		if slices.Contains(strangers, l.ID) {
			continue
		}
		other, ok := byID[l.ID]
		if !ok {
			return fmt.Errorf("%s has a link to %s (%.4s), which is not there", s.Name, l.Name, l.ID)
		}
		if l.ID == s.ID {
			return fmt.Errorf("%s has a link to itself", s.Name)
		}
		i := slices.IndexFunc(other.Links, func(back Link) bool { return back.ID == s.ID })
		if i < 0 {
			return fmt.Errorf("%s has a link to %s, which has none to it", s.Name, other.Name)
		}
		if other.Links[i].Dir == l.Dir {
			return fmt.Errorf("the link between %s and %s is %q at both ends", s.Name, other.Name, l.Dir)
		}
		neighbors++
	}
	switch {
	case out != s.Slots.Out || in != s.Slots.In:
		return fmt.Errorf("%s counts %d links out and %d in, and lists %d and %d", s.Name, s.Slots.Out, s.Slots.In, out, in)
	case out > s.Slots.Links || in > s.Slots.Serve:
		return fmt.Errorf("%s has %d of %d links out and %d of %d in", s.Name, out, s.Slots.Links, in, s.Slots.Serve)
	case neighbors < min(2, len(byID)-1):
		return fmt.Errorf("%s has %d neighbors", s.Name, neighbors)
	}
	return nil
}

// connected walks the links from the first peer.
func connected(statuses []Status) error {
	links := map[string][]Link{}
	for _, s := range statuses {
		links[s.ID] = s.Links
	}
	reached := map[string]bool{statuses[0].ID: true}
	for todo := []string{statuses[0].ID}; len(todo) > 0; todo = todo[1:] {
		for _, l := range links[todo[0]] {
			if _, known := links[l.ID]; known && !reached[l.ID] {
				reached[l.ID] = true
				todo = append(todo, l.ID)
			}
		}
	}
	var far []string
	for _, s := range statuses {
		if !reached[s.ID] {
			far = append(far, s.Name)
		}
	}
	if len(far) > 0 {
		return fmt.Errorf("two parts or more: %s cannot reach %s", statuses[0].Name, strings.Join(far, ", "))
	}
	return nil
}

// oneRoot says whether all follow the one root that they should: the lowest id.
func oneRoot(statuses []Status) error {
	lowest := slices.MinFunc(statuses, func(a, b Status) int { return strings.Compare(a.ID, b.ID) })
	for _, s := range statuses {
		if s.Root != lowest.ID {
			return fmt.Errorf("%s follows root %.4s, and the lowest id is %.4s, %s", s.Name, s.Root, lowest.ID, lowest.Name)
		}
	}
	return nil
}

// outFull says whether every peer has its outgoing links, or is linked to everybody there is.
func outFull(statuses []Status) error {
	for _, s := range statuses {
		if s.Slots.Out < s.Slots.Links && len(s.Links) < len(statuses)-1 {
			return fmt.Errorf("%s has %d of %d outgoing links, and %d of %d neighbors", s.Name, s.Slots.Out, s.Slots.Links, len(s.Links), len(statuses)-1)
		}
	}
	return nil
}

// triangle is a healthy mesh of three: a dials b, b dials c, c dials a.
func triangle() []Status {
	var out []Status
	for _, w := range []string{"abc", "bca", "cab"} {
		s := Status{ID: w[:1], Name: w[:1], Root: "a"}
		s.Links = []Link{{ID: w[1:2], Name: w[1:2], Dir: "out"}, {ID: w[2:], Name: w[2:], Dir: "in"}}
		s.Slots.Out, s.Slots.In, s.Slots.Links, s.Slots.Serve = 1, 1, 3, 6
		out = append(out, s)
	}
	return out
}

func TestMeshedCheck(t *testing.T) {
	apart := func(s []Status) []Status { // two triangles
		for _, other := range triangle() {
			other.ID += "'"
			other.Links = slices.Clone(other.Links)
			for i := range other.Links {
				other.Links[i].ID += "'"
			}
			s = append(s, other)
		}
		return s
	}
	for _, test := range []struct {
		want string
		hurt func([]Status) []Status
	}{
		{"", func(s []Status) []Status { return s }},
		{"there is no peer", func(s []Status) []Status { return nil }},
		{"same id", func(s []Status) []Status { s[0].ID = "b"; return s }},
		{"which is not there", func(s []Status) []Status { return s[:2] }},
		{"which has none to it", func(s []Status) []Status { s[1].Links = s[1].Links[:1]; s[1].Slots.In = 0; return s }},
		{"at both ends", func(s []Status) []Status { s[0].Links[0].Dir = "in"; return s }},
		{"two links to b", func(s []Status) []Status { s[0].Links = append(s[0].Links, s[0].Links[0]); return s }},
		{"link to itself", func(s []Status) []Status { s[0].Links[0].ID = "a"; return s }},
		{"direction is", func(s []Status) []Status { s[0].Links[0].Dir = ""; return s }},
		{"counts 2 links out", func(s []Status) []Status { s[0].Slots.Out = 2; return s }},
		{"1 of 0 links out", func(s []Status) []Status { s[0].Slots.Links = 0; return s }},
		{"1 of 0 in", func(s []Status) []Status { s[0].Slots.Serve = 0; return s }},
		{"two parts", apart},
	} {
		err := meshed(test.hurt(triangle()))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("meshed says %v, and not %q", err, test.want)
		}
	}
	lonely := triangle()
	lonely[0].Links, lonely[0].Slots.In = lonely[0].Links[:1], 0
	lonely[2].Links, lonely[2].Slots.Out = lonely[2].Links[1:], 0
	if err := meshed(lonely); err == nil || !strings.Contains(err.Error(), "a has 1 neighbors") {
		t.Errorf("meshed says %v of a chain", err)
	}
	if err := oneRoot(triangle()); err != nil {
		t.Error(err)
	}
	rooted := triangle()
	rooted[1].Root = "b"
	if oneRoot(rooted) == nil {
		t.Error("two roots pass for one")
	}
}
