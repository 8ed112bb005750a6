package scenario

import (
	"fmt"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
)

// view is what all peers said of themselves at about the same time.
type view struct {
	peers    []fleet.Peer
	statuses []*node.Status // by place; nil for those who do not live, are paused, or did not answer
	errs     []error        // why a living one did not answer
}

// counted reports whether a place takes part in the mesh: it lives and is not paused.
func (v *view) counted(i int) bool { return v.peers[i].Alive && !v.peers[i].Paused }

// shape is what the links of the living peers make.
type shape struct {
	parts int
	links int // pairs that both ends list
	why   string
}

// judge looks whether each side of the network is one good mesh: one part, every link known to both ends and
// leading to somebody who lives on that side, and everybody with two neighbors while there are as many.
// Siphoners may hang on to it, or not.
func (v *view) judge(side func(int) int, siphoner func(int) bool) shape {
	byID := map[string]int{}
	sizes := map[int]int{}
	s := shape{}
	for i, p := range v.peers {
		if !v.counted(i) {
			continue
		}
		switch st := v.statuses[i]; {
		case st == nil:
			s.say("%s does not answer: %v", p.Name, v.errs[i])
		case p.ID != "" && st.ID != p.ID:
			s.say("%s has just been started again", p.Name)
		default:
			byID[st.ID] = i
		}
		if !siphoner(p.Number) {
			sizes[side(p.Number)]++
		}
	}
	for i := range v.peers {
		if st := v.statuses[i]; st != nil && v.counted(i) && !siphoner(v.peers[i].Number) {
			v.checkLinks(&s, i, st, byID, sizes[side(v.peers[i].Number)], side, siphoner)
		}
	}
	v.countParts(&s, byID, len(sizes), siphoner)
	return s
}

func (s *shape) say(format string, args ...any) {
	if s.why == "" {
		s.why = fmt.Sprintf(format, args...)
	}
}

func (v *view) checkLinks(s *shape, i int, st *node.Status, byID map[string]int, size int, side func(int) int, siphoner func(int) bool) {
	own := v.peers[i]
	neighbors := 0
	for _, l := range st.Links {
		j, known := byID[l.ID]
		if !known {
			s.say("%s has a link to %s, which is gone", own.Name, l.Name)
			continue
		}
		far := v.peers[j]
		if siphoner(far.Number) {
			continue
		}
		switch {
		case side(far.Number) != side(own.Number):
			s.say("%s has a link to %s, across the cut", own.Name, far.Name)
		case !linked(v.statuses[j], st.ID):
			s.say("%s has a link to %s, which has none to it", own.Name, far.Name)
		default:
			neighbors++
			if i < j {
				s.links++
			}
		}
	}
	if neighbors < min(2, size-1) {
		s.say("%s has %d neighbors", own.Name, neighbors)
	}
}

func linked(st *node.Status, id string) bool {
	for _, l := range st.Links {
		if l.ID == id {
			return true
		}
	}
	return false
}

// countParts walks the links that both ends have.
func (v *view) countParts(s *shape, byID map[string]int, sides int, siphoner func(int) bool) {
	reached := make([]bool, len(v.peers))
	for i := range v.peers {
		if v.statuses[i] == nil || !v.counted(i) || reached[i] || siphoner(v.peers[i].Number) {
			continue
		}
		s.parts++
		reached[i] = true
		for todo := []int{i}; len(todo) > 0; todo = todo[1:] {
			st := v.statuses[todo[0]]
			for _, l := range st.Links {
				j, known := byID[l.ID]
				if known && !reached[j] && !siphoner(v.peers[j].Number) && linked(v.statuses[j], st.ID) {
					reached[j] = true
					todo = append(todo, j)
				}
			}
		}
	}
	if s.parts > max(1, sides) {
		s.say("there are %d parts", s.parts)
	}
}
