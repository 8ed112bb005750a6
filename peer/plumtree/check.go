package plumtree

import (
	"fmt"

	"hearsay/peer/wire"
)

// Check looks at what must hold between any two calls: every table within its bound, and what is counted as
// it is. It is for simulators and tests; an error is a bug of ours.
func (t *Tree) Check() error {
	held := 0
	for _, o := range t.origins.list {
		for _, h := range o.held {
			held += len(h.msg.Tail)
		}
		switch {
		case len(o.held) > maxHeld:
			return fmt.Errorf("%d messages of %s wait for earlier ones, and %d may", len(o.held), o.name, maxHeld)
		case len(o.held) > 0 && !o.waiting:
			return fmt.Errorf("messages of %s wait for earlier ones, which nobody asks for", o.name)
		case o.firstHeld() <= o.upto+1:
			return fmt.Errorf("number %d of %s is held though all before it have come", o.firstHeld(), o.name)
		}
	}
	// It may have come late, behind newer ones that kept it, and have been laid bare just now, when these made room.
	// But whatever came before it has expired a window after it came.
	if e := t.log.oldest(); e != nil && t.now-e.written-t.cfg.Retain > t.forgetEvery()+2*sweepEvery {
		return fmt.Errorf("number %d of %s is %v old, and is kept for %v", e.seq, e.origin.name, t.now-e.published, t.cfg.Retain)
	}
	switch {
	case held != t.heldBytes:
		return fmt.Errorf("%d bytes are held and %d are counted", held, t.heldBytes)
	case held > maxHeldBytes+wire.MaxBody+wire.MaxLine:
		return fmt.Errorf("%d bytes are held, and %d may be", held, maxHeldBytes)
	case len(t.links) > maxLinks:
		return fmt.Errorf("%d links, and there may be %d", len(t.links), maxLinks)
	case len(t.origins.list) > maxOrigins:
		return fmt.Errorf("%d origins, and there may be %d", len(t.origins.list), maxOrigins)
	case t.log.messages > 1 && t.log.bytes > t.log.limit:
		return fmt.Errorf("%d bytes are retained, and %d may be", t.log.bytes, t.log.limit)
	}
	return nil
}
