package graph

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// place is where a node is drawn: in units of the gap between neighbors on a circle.
type place struct{ x, y float64 }

// layout puts the members of each part on a circle, in the order of their numbers, and the circles side by side, the
// largest first. Whoever is in no part stands below. Two pictures of one mesh thus differ only where it does.
func (g *Graph) layout() (places map[int]place, width, height float64) {
	parts := map[int][]int{}
	var none []int
	for _, n := range g.Nodes {
		if n.Part == 0 || !n.Alive {
			none = append(none, n.Number)
		} else {
			parts[n.Part] = append(parts[n.Part], n.Number)
		}
	}
	order := slices.SortedFunc(maps.Keys(parts), func(a, b int) int {
		return cmp.Or(cmp.Compare(len(parts[b]), len(parts[a])), cmp.Compare(a, b))
	})
	places = map[int]place{}
	const around = 1.0 // of free space about a circle
	x := 0.0
	for _, part := range order {
		members := parts[part]
		r := radius(len(members))
		for i, n := range members {
			angle := 2*math.Pi*float64(i)/float64(len(members)) - math.Pi/2
			places[n] = place{x + around + r + r*math.Cos(angle), around + r + r*math.Sin(angle)}
		}
		x += 2*r + 2*around
		height = max(height, 2*r+2*around)
	}
	width = max(x, 2*around)
	for i, n := range none {
		perRow := max(1, int(width)-1)
		places[n] = place{1 + float64(i%perRow), height + 0.5 + float64(i/perRow)}
	}
	if len(none) > 0 {
		height += 1 + float64((len(none)-1)/max(1, int(width)-1)+1) - 0.5
	}
	return places, width, height
}

// radius is that of a circle on which so many stand a gap apart.
func radius(n int) float64 {
	switch n {
	case 1:
		return 0
	case 2:
		return 0.75
	}
	return max(1, 0.5/math.Sin(math.Pi/float64(n)))
}
