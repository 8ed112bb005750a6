package watch

import (
	"slices"
	"strings"
	"time"

	"hearsay/lab/fleet"
)

// losses are the times in which what some peers send is lost on purpose, the oldest first.
type losses []loss

// loss is one of them.
type loss struct {
	spell
	share string // as people write it: 5%
	peers []int
}

// take takes a fault that may begin or end one.
func (l *losses) take(e *fleet.Event) {
	switch kindOf(e.Reason) {
	case string(fleet.FaultLoss):
		words := strings.Fields(e.Reason)
		if len(words) < 2 {
			return
		}
		for _, n := range e.Peers { // one share takes the place of another
			l.end(n, e.At)
		}
		if words[1] == "0%" {
			return
		}
		if len(*l) == maxSpells {
			*l = slices.Delete(*l, 0, 1)
		}
		*l = append(*l, loss{spell{from: e.At}, words[1], slices.Clone(e.Peers)})
	case "heal":
		for i := range *l {
			if x := &(*l)[i]; x.until.IsZero() {
				x.until = e.At
			}
		}
	}
}

// end ends what a peer is under. For the others of its fault it goes on.
func (l *losses) end(peer int, at time.Time) {
	for i := range *l {
		x := &(*l)[i]
		if !x.until.IsZero() || !slices.Contains(x.peers, peer) {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(x.peers), func(n int) bool { return n == peer })
		over := loss{spell{x.from, at}, x.share, []int{peer}}
		if len(rest) == 0 {
			*x = over
			return
		}
		x.peers = rest
		if len(*l) < maxSpells {
			*l = append(*l, over)
		}
		return
	}
}

// at is what a peer was under at a time, or nil.
func (l losses) at(peer int, t time.Time) *loss {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].holds(t) && slices.Contains(l[i].peers, peer) {
			return &l[i]
		}
	}
	return nil
}

// losing is what keeps a message from a peer, if all who have it lose what they send, or the peer itself does: then
// nobody hears that it lacks something, and links end. It is nil if nobody does.
func (m *Model) losing(p *place, keepers []int) (who int, l *loss) {
	for _, n := range keepers {
		x := m.lossy.at(n, m.now)
		if x == nil {
			who, l = 0, nil
			break
		}
		who, l = n, x
	}
	if l == nil {
		who, l = p.Number, m.lossy.at(p.Number, m.now)
	}
	return who, l
}
