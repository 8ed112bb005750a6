package plumtree

import "time"

// explore betters the tree. After losses and grafts it is a tree, but a deep one. The paper (section
// 3.8) swaps a lazy link for an eager one when an IHAVE has come over fewer hops; ours come late on
// purpose, and count no hops. So now and then, when the tree is at rest, we graft a lazy link for no
// message at all. The next of the reference comes over both, and the longer way is pruned.
type explore struct {
	hops     int     // that messages have come over on average, in 256ths
	messages int     // since the last time
	every    int     // how many there have to be before the next; grows while nothing is found
	after    instant // not before
}

const (
	// exploreEvery is how many messages there are between explorations at first, and exploreEveryMax at
	// most, when nothing is found. A few dozen messages come twice for each.
	exploreEvery    = 1024
	exploreEveryMax = 32 * exploreEvery
	// exploreCopies ends an exploration that the reference does not decide.
	exploreCopies = 32
	// explorePause is the time between explorations where much is said, so that neighbors take turns.
	explorePause = 200 * time.Millisecond
	// exploreRun is how many messages make a reference that a shallower tree would be of use for.
	exploreRun = 16
	// nearHops is near enough: on average, a message takes that many in a shallow tree of fifty peers.
	nearHops = 4 * 256
)

// came notes a new message.
func (x *explore) came(hops int) {
	x.messages++
	x.hops += (hops*256 - x.hops) / 64
}

// exploreLink grafts a lazy link if it is time.
func (t *Tree) exploreLink() {
	x := &t.explore
	if x.messages < x.every || t.now < x.after || x.hops <= nearHops || t.ref.run < exploreRun || len(t.behind) > 0 {
		return
	}
	x.messages = 0
	x.every = min(2*x.every, exploreEveryMax)
	x.after = t.now + explorePause + t.jitter(explorePause)
	var pick *link
	n := 0
	for _, l := range t.links {
		if l.eager || l.full || len(l.owed) > 0 {
			continue
		}
		if n++; t.rng.IntN(n) == 0 {
			pick = l
		}
	}
	if pick == nil {
		return
	}
	pick.eager, pick.exploring = true, exploreCopies
	t.request(pick, ask{start: t.start(), graft: true})
}

// restless has exploration begin anew, since the tree has changed.
func (x *explore) restless(now instant) {
	x.every = exploreEvery
	x.after = max(x.after, now+explorePause)
}
