package plumtree

import (
	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// catchUp is what a link's HAVE made us ask it for: the span "catch-up".
type catchUp struct {
	open       int     // origins that it has not finished
	started    instant // when the first of them was asked
	asked, got uint64  // messages
}

// sendHave sends our version vector. It leaves out origins that were silent for a whole window: nobody
// has anything of them that could be asked for.
func (t *Tree) sendHave(l *link) {
	marks := t.marks[:0]
	for _, o := range t.origins.list {
		if o.upto == 0 || t.expired(o.touched) {
			continue
		}
		if len(marks) == wire.MaxMarks {
			t.send(l, wire.AppendHave(t.frames.room(), wire.Have{Marks: marks, More: true}))
			marks = marks[:0]
		}
		marks = append(marks, wire.Mark{Origin: o.name, Seq: o.upto})
	}
	t.send(l, wire.AppendHave(t.frames.room(), wire.Have{Marks: marks}))
	t.marks = marks[:0]
}

// onHave asks for what the far side has and we lack, at once, unless somebody is being asked already.
func (t *Tree) onHave(l *link, c *wire.Have) wire.Reason {
	if planted.On(planted.NoCatchUp) {
		return ""
	}
	for _, m := range c.Marks {
		o := t.learn(l, m)
		if o == nil || m.Seq <= o.upto {
			continue
		}
		t.lack(l, o, m.Seq)
		if o.from == nil {
			t.fetch(o, false)
		}
	}
	t.deepWake()
	return ""
}

func (t *Tree) wanted(l *link, messages uint64) {
	c := &l.catchUp
	if c.open == 0 && c.asked == 0 {
		c.started = t.now
	}
	c.open++
	c.asked += messages
}

// caughtUp ends what was asked for one origin; with the last the catch-up is over.
func (t *Tree) caughtUp(l *link) {
	c := &l.catchUp
	if c.open--; c.open > 0 {
		return
	}
	t.out.Events = append(t.out.Events, Event{
		Kind: CaughtUp, Start: t.when(c.started), End: t.when(t.now), Context: t.newContext(), Conn: l.conn, Asked: c.asked, Got: c.got,
	})
	*c = catchUp{}
}
