package watch

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// cut is how the network is divided on purpose.
type cut struct {
	groups [][]int // of Partition; whoever is in none is with the first
	alone  []int   // of Isolate
	since  time.Time
	past   []pastCut // those before it, the oldest first
}

// pastCut is a division that has ended.
type pastCut struct {
	spell
	was cut
}

func (c *cut) any() bool { return len(c.groups) > 0 || len(c.alone) > 0 }

func (c *cut) groupOf(n int) int {
	for i, g := range c.groups {
		if slices.Contains(g, n) {
			return i
		}
	}
	return 0
}

// separates reports whether nothing passes between two places.
func (c *cut) separates(a, b int) bool {
	if !c.any() || a == b {
		return false
	}
	return slices.Contains(c.alone, a) || slices.Contains(c.alone, b) || c.groupOf(a) != c.groupOf(b)
}

// separated is the spell in which the network between a and b was cut at t, or nil.
func (c *cut) separated(a, b int, t time.Time) *spell {
	if c.separates(a, b) && !t.Before(c.since) {
		return &spell{from: c.since}
	}
	for i := len(c.past) - 1; i >= 0; i-- {
		if p := &c.past[i]; p.holds(t) && p.was.separates(a, b) {
			return &p.spell
		}
	}
	return nil
}

// recut replaces the division.
func (m *Model) recut(groups [][]int, alone []int, at time.Time) {
	c := &m.cut
	if c.any() {
		if len(c.past) == maxSpells {
			c.past = slices.Delete(c.past, 0, 1)
		}
		c.past = append(c.past, pastCut{spell{c.since, at}, cut{groups: c.groups, alone: c.alone}})
	}
	c.groups, c.alone, c.since = groups, alone, at
	m.changes.cut = true
	for k := range m.links.up {
		m.relink(k.low, k.high)
	}
	m.shaken(at)
}

// Cut is the division of the network as people write it: groups of numbers, the undivided network being none.
func (m *Model) Cut() [][]int {
	c := &m.cut
	if !c.any() {
		return [][]int{}
	}
	groups := make([][]int, max(1, len(c.groups)))
	for _, p := range m.places {
		if p.seen && !slices.Contains(c.alone, p.Number) {
			g := c.groupOf(p.Number)
			groups[g] = append(groups[g], p.Number)
		}
	}
	for _, n := range c.alone {
		groups = append(groups, []int{n})
	}
	return slices.DeleteFunc(groups, func(g []int) bool { return len(g) == 0 })
}

// parseGroups reads 1,2,3/4,5,6.
func parseGroups(s string) (groups [][]int, ok bool) {
	for part := range strings.SplitSeq(s, "/") {
		var g []int
		for word := range strings.SplitSeq(part, ",") {
			n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(word), "peer-"))
			if err != nil {
				return nil, false
			}
			g = append(g, n)
		}
		groups = append(groups, g)
	}
	return groups, len(groups) > 1
}

// partTable is the parts of the mesh that the links between running peers make. They are numbered from 1 in the order
// of their lowest members, so that a part keeps its number while others come and go behind it.
type partTable struct {
	dirty bool
	of    map[int]int // by place
	list  [][]int
}

// Parts returns the members of each part.
func (m *Model) Parts() [][]int {
	if !m.parts.dirty && m.parts.of != nil {
		return m.parts.list
	}
	near := map[int][]int{}
	for k, l := range m.links.up {
		if l.State == LinkWhole {
			near[k.low] = append(near[k.low], k.high)
			near[k.high] = append(near[k.high], k.low)
		}
	}
	of := make(map[int]int, len(m.places))
	var list [][]int
	for _, p := range m.places {
		if !p.running() || of[p.Number] != 0 {
			continue
		}
		part := []int{p.Number}
		of[p.Number] = len(list) + 1
		for i := 0; i < len(part); i++ {
			for _, n := range near[part[i]] {
				if of[n] == 0 && m.known(n).running() {
					of[n] = len(list) + 1
					part = append(part, n)
				}
			}
		}
		slices.Sort(part)
		list = append(list, part)
	}
	for _, p := range m.places {
		if was := m.parts.of[p.Number]; was != of[p.Number] {
			m.changes.peer(p.Number)
		}
	}
	m.parts = partTable{of: of, list: list}
	m.partsPast.note(m.measures.shaken, of)
	return list
}

// meshed says what keeps the running peers from being one good mesh, or as many as the network is cut into; or nothing
// if they are: each group is one part, every link is known to both its ends, none leads to who is gone, and nobody but
// siphoners has fewer than two neighbors where there are that many.
func (m *Model) meshed() string {
	if m.Running() == 0 {
		return "nobody runs"
	}
	degree := map[int]int{}
	for k, l := range m.links.up {
		switch p, q := m.places[l.From-1].running(), m.places[l.To-1].running(); {
		case p && q && l.State != LinkWhole, p && !q && l.Has[0], q && !p && l.Has[1]:
			return m.name(l.From) + " and " + m.name(l.To) + " do not agree on their link"
		case p && q:
			degree[k.low]++
			degree[k.high]++
		}
	}
	groups, alone := m.cutGroups()
	for _, p := range m.places {
		if !p.running() || slices.Contains(m.cut.alone, p.Number) || p.siphons() {
			continue
		}
		if degree[p.Number] < min(2, groups[m.cut.groupOf(p.Number)]-1) {
			return p.called() + " has fewer than two neighbors"
		}
	}
	if parts := len(m.Parts()); parts > len(groups)+alone {
		return strconv.Itoa(parts) + " parts"
	}
	return ""
}

// cutGroups counts who runs in each group that the network is cut into, and those who are cut off alone.
func (m *Model) cutGroups() (groups map[int]int, alone int) {
	groups = map[int]int{}
	for _, p := range m.places {
		switch {
		case !p.running():
		case slices.Contains(m.cut.alone, p.Number):
			alone++
		default:
			groups[m.cut.groupOf(p.Number)]++
		}
	}
	return groups, alone
}

// shaken notes that the topology has changed, and sees whether the mesh is whole again.
func (m *Model) shaken(at time.Time) {
	m.parts.dirty = true
	m.measures.topology(at)
	m.recheck(at)
}

// recheck sees whether the mesh is whole, if that is news: since at, when the topology was last changed.
func (m *Model) recheck(at time.Time) {
	if (m.measures.forming() || m.faults.mending()) && m.meshed() == "" {
		m.measures.whole(m, at)
		m.faults.whole(m, at)
	}
}

// Running counts the peers of whom something can be expected: they live, and are not paused.
func (m *Model) Running() (n int) {
	for _, p := range m.places {
		if p.running() {
			n++
		}
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }
