package overlay

import (
	"fmt"
	"slices"

	"hearsay/peer/wire"
)

// Check looks at what must hold between any two calls: every table within its bound, links counted as they
// are, one link for each neighbor, no neighbor among the candidates, and ears that know of all that. It is for
// simulators and tests; an error is a bug of ours.
func (o *Overlay) Check() error {
	in, out, pending, verifies, dials := 0, 0, 0, 0, 0
	ids := append(make([]wire.ID, 0, 64), o.cfg.ID) // on the stack, unless there are many links
	for _, c := range o.order {
		switch {
		case c.state == up:
			if c.out {
				out++
			} else {
				in++
			}
			ids = append(ids, c.peer)
		case !c.out:
			pending++
		case c.purpose == wire.PurposeVerify:
			verifies++
		case o.filling(c):
			dials++
		}
	}
	for i, p := range o.view.list {
		ids = append(ids, p.id)
		if slices.ContainsFunc(o.view.list[i+1:], func(q *peer) bool { return q.addr == p.addr }) {
			return fmt.Errorf("%v is twice in the passive view", p.addr)
		}
	}
	for i, id := range ids {
		for _, other := range ids[i+1:] {
			if idKey(id) == idKey(other) && id == other {
				return fmt.Errorf("%s is linked twice, or a neighbor or itself is in the passive view", id.Short())
			}
		}
	}
	switch {
	case in != o.in || out != o.out:
		return fmt.Errorf("%d outgoing links and %d incoming ones are counted as %d and %d", out, in, o.out, o.in)
	case in > o.cfg.Serve || out > o.cfg.Links:
		return fmt.Errorf("%d outgoing links of %d, and %d incoming ones of %d", out, o.cfg.Links, in, o.cfg.Serve)
	case len(o.conns) != len(o.order):
		return fmt.Errorf("%d connections are listed as %d", len(o.conns), len(o.order))
	}
	ears := *o.ears
	o.tell(&ears)
	o.tellRoots(&ears)
	ears.familiar.learn(o.acquainted.keys)
	if ears != *o.ears {
		return fmt.Errorf("the ears are not as the rest is: %+v, want %+v", *o.ears, ears)
	}
	for _, b := range []struct {
		what    string
		n, most int
	}{
		{"entries of the passive view", len(o.view.list), maxPassive},
		{"addresses of our own", len(o.view.self), maxSelf},
		{"connections that shake hands", pending, maxPending + 1},
		{"dial-backs at once", verifies, maxVerifying},
		{"dials at once", dials, maxDialling},
		{"roots remembered", len(o.root.seen), maxSeen},
		{"answers owed", len(o.answers.list), maxAnswers},
		{"bridges that failed", len(o.bridge.retries), maxBridgeRetries},
		{"peers vouched for", len(o.trust.good), maxRemembered},
		{"siphoners remembered", len(o.trust.bad), maxRemembered},
		{"liars remembered", len(o.trust.lies), maxRemembered},
		{"addresses of the join list", len(o.join.list), maxJoin},
	} {
		if b.n > b.most {
			return fmt.Errorf("%d %s, and there may be %d", b.n, b.what, b.most)
		}
	}
	return nil
}
