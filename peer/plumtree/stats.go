package plumtree

import "maps"

// Stats counts since the start, except for Missing, Retained, RetainedBytes and Origins, which are of
// now.
type Stats struct {
	Published  uint64
	Delivered  uint64
	Duplicates uint64 // copies received beyond the first
	Relayed    uint64 // copies sent
	Lost       uint64 // owed to us, and no longer to be had
	Grafts     uint64 // ranges asked by GRAFT
	Prunes     uint64 // sent
	IHaves     uint64 // frames sent

	Missing       uint64 // messages that were announced and have not come
	Retained      uint64 // messages
	RetainedBytes int
	Origins       int

	Dropped map[string]uint64 // messages not delivered, by reason
	Limits  map[string]uint64 // how often each limit was met, by its name
}

// Stats returns a copy.
func (t *Tree) Stats() Stats {
	s := t.stats
	s.Dropped, s.Limits = maps.Clone(s.Dropped), maps.Clone(s.Limits)
	for _, o := range t.behind {
		if o.known > o.upto {
			s.Missing += o.known - o.upto
		}
	}
	s.Retained, s.RetainedBytes = uint64(t.log.messages), t.log.bytes
	s.Origins = len(t.origins.list)
	return s
}
