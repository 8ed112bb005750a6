package watch

import (
	"fmt"
	"slices"
	"time"
)

// graftReason is how long before a graft the loss of an eager link may lie that made it necessary.
const graftReason = 5 * time.Second

// whyThisWay says why a message did not come by eager push.
func (m *Model) whyThisWay(msg *message, h *hop) string {
	p := m.known(h.to.number)
	if p == nil {
		return ""
	}
	if s := p.pausedAt(msg.said); s != nil {
		return "it was paused" + lasted(*s)
	}
	if s := m.cut.separated(p.Number, msg.origin.number, msg.said); s != nil && msg.origin.number > 0 {
		return "the network between it and " + m.sayer(msg) + " was cut" + lasted(*s)
	}
	for _, n := range []int{msg.origin.number, p.Number} {
		if l := m.lossy.at(n, msg.said); l != nil && h.how != howEager {
			return l.share + " of what " + m.name(n) + " sends was lost" + lasted(l.spell)
		}
	}
	switch h.how {
	case howGraft:
		if l := p.lostBefore(h.at, graftReason); l != nil {
			return fmt.Sprintf("its eager link to %s was lost %s", m.farName(l.far), apart(l.at, msg.said))
		}
		if h.asked > 0 {
			return "asked for " + span(h.asked) + " before it came"
		}
	case howCatchUp:
		if l := m.links.up[pairOf(p.Number, h.from.number)]; l != nil {
			if up := unixMillis(l.Since); up.After(msg.said) && !up.After(h.at) {
				return fmt.Sprintf("its link with %s came up %s", m.name(h.from.number), apart(up, msg.said))
			}
		}
	}
	if h.held > 0 {
		return "held for " + span(h.held) + ", until earlier ones had come"
	}
	return ""
}

// apart is how long something was before or after a message was said.
func apart(t, said time.Time) string {
	if t.After(said) {
		return span(t.Sub(said)) + " after this was said"
	}
	return span(said.Sub(t)) + " before"
}

func lasted(s spell) string {
	if s.until.IsZero() {
		return ""
	}
	return " for " + span(s.until.Sub(s.from))
}

// lostBefore is the newest eager link that was lost within that time before t, or nil.
func (p *place) lostBefore(t time.Time, within time.Duration) *lostLink {
	list := p.lost.last(maxLost)
	for i := len(list) - 1; i >= 0; i-- {
		if l := &list[i]; l.eager && !l.at.After(t) && t.Sub(l.at) <= within {
			return l
		}
	}
	return nil
}

// onItsWay is how long a message may take before its absence needs a reason.
const onItsWay = time.Second

// nobodyHas begins why a message can no longer be had.
const nobodyHas = "whoever had it is dead"

// onlyItHad is the same where one alone had it, after its name.
const onlyItHad = ", who alone had it, is dead"

// missing says why a peer does not have a message, and whether it is still to be had.
func (m *Model) missing(msg *message, p *place) Missing {
	x := Missing{Peer: p.Number, Name: p.called(), Part: m.partOf(p.Number), Kept: []int{}}
	since := func(t time.Time) { x.Since = &t }
	k := m.kept(msg)
	if x.Kept = append(x.Kept, k.by...); !k.until.IsZero() {
		x.Until = &k.until
	}
	h := msg.hopTo(runRef{p.Number, p.Run})
	lossy, loss := m.losing(p, k.by)
	switch {
	case p.Paused:
		x.Why = "paused"
		since(p.pauses[len(p.pauses)-1].from)
	case h != nil && h.drop != "":
		x.Why = "it dropped it: " + h.drop
	case m.cutFromAll(p.Number, k.by):
		x.Why = "the network between it and whoever has it is cut"
		since(m.cut.since)
	case loss != nil && len(k.by) > 0:
		x.Why = loss.share + " of what " + m.name(lossy) + " sends is lost"
		since(loss.from)
	case len(k.by) > 0 && !slices.ContainsFunc(k.by, func(n int) bool { return slices.Contains(x.Part, n) }):
		x.Why = "in another part than whoever has it"
		if len(x.Part) == 1 {
			x.Why = "it has no link"
		}
		if at := m.apartSince(p.Number, k.by); !at.IsZero() {
			since(at)
		}
	case len(k.by) == 0:
		m.nobodyKeeps(msg, &x)
	case m.now.Sub(msg.said) < onItsWay:
		x.Why = "on its way"
	default:
		x.Why = "no reason is known: " + m.name(firstOf(k.by, x.Part)) + ", in its part, has it"
	}
	return x
}

// nobodyKeeps says what became of those who had a message that nobody keeps any more.
func (m *Model) nobodyKeeps(msg *message, x *Missing) {
	x.Why = nobodyHas + ", or keeps it no longer"
	by := m.publisher(msg)
	if by == nil || by.ended.IsZero() || msg.heard() {
		return
	}
	x.Why = m.name(msg.origin.number) + onlyItHad
	x.Since = &by.ended
}

// cutFromAll reports whether the network between a peer and all of the others is cut on purpose.
func (m *Model) cutFromAll(n int, others []int) bool {
	return len(others) > 0 && !slices.ContainsFunc(others, func(o int) bool { return !m.cut.separates(n, o) })
}

func firstOf(list, in []int) int {
	for _, n := range list {
		if slices.Contains(in, n) {
			return n
		}
	}
	return 0
}

// partOf is with whom a peer is connected, itself included.
func (m *Model) partOf(n int) []int {
	for _, part := range m.Parts() {
		if slices.Contains(part, n) {
			return part
		}
	}
	return []int{n}
}

// notOwed says why a peer without a message is not owed it.
func (m *Model) notOwed(msg *message, p *place, r *run) string {
	switch {
	case r != nil && !r.ended.IsZero():
		return fmt.Sprintf("%s %s after this was said, before it had it", ended(r.how), span(r.ended.Sub(msg.said)))
	case r != nil:
		return "started at the same moment"
	case !msg.sure:
		return "none of ours said it, or not while we watched"
	}
	for i := range p.runs {
		if p.runs[i].began.After(msg.said) {
			return fmt.Sprintf("started %s after this was said", span(p.runs[i].began.Sub(msg.said)))
		}
	}
	if c := p.current(); c != nil && !c.ended.IsZero() {
		return fmt.Sprintf("%s %s before this was said", ended(c.how), span(msg.said.Sub(c.ended)))
	}
	return "had not started"
}

func ended(how string) string {
	switch how {
	case "kill":
		return "killed"
	case "stop":
		return "stopped"
	default:
		return "ended"
	}
}
