package scenario

import (
	"slices"
	"time"
)

// network is what was done to the network, and not undone.
type network struct {
	groups   [][]int
	isolated []int
	spoiled  bool // something is late or lost
}

// partition replaces an earlier one.
func (n *network) partition(groups [][]int) { n.groups = groups }

func (n *network) isolate(peers []int) { n.isolated = slices.Concat(n.isolated, peers) }
func (n *network) spoil()              { n.spoiled = true }
func (n *network) heal()               { *n = network{} }

// whole reports whether everybody can reach everybody, as they are used to.
func (n *network) whole() bool { return len(n.groups) == 0 && len(n.isolated) == 0 && !n.spoiled }

// side numbers the parts that the network was cut into. Whoever is in no group is with the first.
func (n *network) side(peer int) int {
	if slices.Contains(n.isolated, peer) {
		return -peer
	}
	return max(0, slices.IndexFunc(n.groups, func(g []int) bool { return slices.Contains(g, peer) }))
}

// Mark is a step that shook the peers or the network, and how the mesh took it.
type Mark struct {
	Kind   string        `json:"kind"`
	Text   string        `json:"text"`
	Line   int           `json:"line"`
	At     time.Duration `json:"at_ns"`     // since the run began
	End    time.Duration `json:"end_ns"`    // when it had been done
	Meshed time.Duration `json:"meshed_ns"` // since From; negative: not seen until the end
	Flowed time.Duration `json:"flowed_ns"` // since From, until the first message after it was everywhere; likewise

	news int // of the monitor, when it was done
}

// From is when time begins to count: at the beginning of what breaks, at the end of what mends or lasts.
func (m *Mark) From() time.Duration {
	switch m.Kind {
	case "kill", "stop", "pause", "partition", "isolate", "delay", "loss":
		return m.At
	}
	return m.End
}

// Took is how long the step itself lasted.
func (m Mark) Took() time.Duration { return m.End - m.At }
