package plumtree

// Warm reads what calls look at; see Mesh.Warm.
func (t *Tree) Warm(depth int) (n uint64) {
	switch depth {
	case 0:
		n = uint64(len(t.links)) + uint64(t.retryAt) + uint64(len(t.frames.buf)) + uint64(t.now)
	case 1:
		for _, l := range t.links {
			n += uint64(len(l.pending)) + uint64(l.conn)
		}
	case 2:
		for _, l := range t.links {
			if len(l.views) > 0 {
				n += l.views[0].has
			}
		}
	}
	return n
}
