package plumtree

import "time"

// reference is the origin whose second copies prune. One origin's messages make a tree by themselves:
// if everybody prunes where its second copy came, the first copies remain. But the tree is shared, and
// where several publish at once, every peer of a cycle sees second copies of one or the other; if all
// prune for them, the cycle is broken in several places, all graft, and so for ever: we saw fifty peers
// have as many duplicates as deliveries. So all go by one origin: of those that are heard, the lowest.
// Every cycle sees its second copies, and sees them in one place.
//
// Peers need not agree at every moment. A mistake costs a graft.
type reference struct {
	origin *origin
	at     instant // when it was last heard
	run    int     // how many it has said, without another's taking its place
}

// refSilence is how long the reference may say nothing before the next who speaks takes its place: long
// enough for it to stay the same where a few messages a second is all that each peer says, and short
// enough not to let duplicates go on for long when it is gone.
const refSilence = time.Second

// heard notes a new message.
func (r *reference) heard(o *origin, now instant) {
	if o != r.origin && r.origin != nil && now-r.at <= refSilence && r.origin.name < o.name {
		return
	}
	if o != r.origin {
		r.origin, r.run = o, 0
	}
	r.at = now
	r.run++
}
