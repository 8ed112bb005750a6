package overlay

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hearsay/peer/wire"
)

const (
	// newcomersBurst is how many peers we get to know by announcements at once, and newcomersPerSecond how
	// many in a second after that; others are told by their next one, or by shuffles. The first fills the
	// passive view twice. The second changes a quarter of it in a second, for as long as others start by the
	// hundred: fresh enough, and whoever invents peers changes it no faster.
	newcomersBurst     = 64
	newcomersPerSecond = 8
	// answerWithin spreads the answers to one seeker.
	answerWithin = 50 * time.Millisecond
	// answerEvery is the least time between two answers to one seeker.
	answerEvery = time.Second
	// answerAll is up to how many peers everybody answers. In larger meshes everybody answers with a
	// probability that makes as many answers.
	answerAll = 8
	// answerLarge is how many answers are meant in a mesh whose size is only guessed: the guess may be ten
	// times out, and whoever gets no answer has no neighbors but those who started when it did. Of four
	// thousand peers that start within ten seconds, three times as many answers bring the last two links
	// nearer.
	answerLarge = 3 * answerAll
	// maxAnswers bounds the seekers that are answered in one second; beyond it they are not.
	maxAnswers = 32
)

// Announcement is what we would say of ourselves now. Its Context is the caller's.
func (o *Overlay) Announcement() wire.Announcement {
	return wire.Announcement{
		ID: o.cfg.ID, Name: o.cfg.Name, Port: o.cfg.Port, Slots: o.Slots(),
		Root: o.root.id, RootSeq: o.root.seq, Seeking: o.Seeking(), Leaving: o.leaving,
	}
}

// Heard takes an announcement that came from the given address. It reports whether it was consistent,
// in Trickle's sense (RFC 6206 section 4.2): it said nothing that we do not say as well. Of noise it does not, but
// Agreed does.
func (o *Overlay) Heard(now time.Time, from netip.AddrPort, a *wire.Announcement) (consistent bool) {
	if o.idle = o.ears.Noise(now, a); o.idle || o.leaving {
		return false
	}
	asked := a.Seeking && o.ears.drawn(now, idKey(a.ID))
	if o.idle = !asked && o.noise(now, a); o.idle {
		return o.agrees(a)
	}
	if idKey(a.ID) == o.ears.self && a.ID == o.cfg.ID {
		return false // our own word does not make us quiet, and neither does a stranger's in our name
	}
	o.begin(now)
	defer o.settle()
	addr := netip.AddrPortFrom(from.Addr().Unmap(), a.Port)
	if !dialable(addr) || o.view.isSelf(addr) {
		return false
	}
	if a.Leaving {
		// A link has its own goodbye: what anybody can send by UDP does not end it.
		if p := o.view.find(a.ID); p != nil && p.addr == addr {
			o.view.remove(p)
			o.join.left(addr)
		}
		return false
	}
	ctx := o.meet(a, addr)
	if o.apart(a.Root, a.RootSeq) && a.Slots.Degree() > 0 && o.degree() > 0 && o.linkTo(a.ID) == nil {
		ctx = o.bridge.heard(o, a, addr, ctx)
	}
	o.bridge.suspect(o, wire.ID(strings.Clone(string(a.ID))), addr, wire.ID(strings.Clone(string(a.Root))), a.RootSeq, a.Slots, ctx, false)
	if asked {
		o.answers.ask(o, plain(from), a)
	}
	return o.agrees(a)
}

// agrees reports whether an announcement said nothing that we do not say as well.
func (o *Overlay) agrees(a *wire.Announcement) bool { return !a.Seeking && a.Root == o.root.id }

// Idle reports whether what was heard last changed nothing: there are no effects, and the deadline is as it
// was.
func (o *Overlay) Idle() bool { return o.idle }

// noise is Ears.Noise with everything at hand, for what the ears are not certain of.
func (o *Overlay) noise(now time.Time, a *wire.Announcement) bool {
	if !now.Before(o.newcomerAt) || a.Leaving || o.acquainted.has(a.ID) || idKey(a.ID) == o.ears.self ||
		!o.bridge.at.IsZero() && o.bridge.id == a.ID || o.apart(a.Root, a.RootSeq) {
		return false
	}
	o.ears.strange++
	return true
}

// meet takes the announcement's word about its sender into the passive view. The context is that of
// the discovery, if it was one.
func (o *Overlay) meet(a *wire.Announcement, addr netip.AddrPort) wire.Context {
	if l := o.linkTo(a.ID); l != nil {
		return wire.Context{} // the link tells us more, and nobody else can
	}
	if l := o.linkAt(addr); l != nil {
		return wire.Context{} // another ID at a neighbor's address: a link is stronger than a datagram
	}
	p := o.view.find(a.ID)
	if p == nil {
		if old := o.view.at(addr); old != nil && old.proven && !old.dead && o.now.Sub(old.heard) < sourceFor {
			return wire.Context{} // a datagram does not replace whom we have spoken with
		}
		if !o.newcomer.take(o.now) {
			o.ears.strange++
			o.newcomerAt = o.newcomer.next()
			return wire.Context{}
		}
		p = &peer{id: wire.ID(strings.Clone(string(a.ID))), name: strings.Clone(a.Name), addr: addr, by: "announcement", told: o.now}
		p.free, p.heard = a.Slots.Free(), o.now
		if !o.view.put(o, p) {
			return wire.Context{}
		}
		p.source = o.discovered(a, addr, "new-peer")
		return p.source
	}
	if p.addr != addr && (p.dead || !p.proven || o.now.Sub(p.heard) > sourceFor) && o.view.at(addr) == nil {
		o.view.move(p, addr) // one of several interfaces: stay with one that works
	}
	if p.dead || p.free == 0 && a.Slots.Free() > 0 {
		// A sign of life, or of a slot: that is worth a dial, but not one for each announcement.
		p.resume = earlier(p.resume, p.last.Add(o.jitter(time.Second)))
	}
	p.dead, p.free, p.heard = false, a.Slots.Free(), o.now
	return wire.Context{}
}

func (o *Overlay) discovered(a *wire.Announcement, addr netip.AddrPort, reason wire.Reason) wire.Context {
	ctx := o.span(a.Context)
	o.event(Event{Kind: Discovered, Start: o.now, End: o.now, Context: shown(ctx), Parent: shown(a.Context),
		Peer: wire.ID(strings.Clone(string(a.ID))), Name: strings.Clone(a.Name), Addr: addr, By: "announcement", Reason: reason})
	return ctx
}

// answers are the announcements that we owe to seekers.
type answers struct {
	list []answer
	next time.Time // when the earliest is to be given; zero if none is
}

type answer struct {
	key  uint64 // idKey of id
	id   wire.ID
	to   netip.AddrPort
	at   time.Time
	done bool
}

// ask notes an answer, if we have a slot for the seeker. A peer without any link is answered by full
// ones too: they will make room, or know who has it.
func (n *answers) ask(o *Overlay, from netip.AddrPort, a *wire.Announcement) {
	if o.linkTo(a.ID) != nil || o.Slots().Free() == 0 && a.Slots.Degree() > 0 {
		return
	}
	n.forget(o.now)
	for _, w := range n.list {
		if w.key == idKey(a.ID) && w.id == a.ID {
			return
		}
	}
	if len(n.list) == maxAnswers {
		o.counts.limit("answers")
		return
	}
	at := o.now.Add(o.between(0, answerWithin))
	n.list = append(n.list, answer{key: idKey(a.ID), id: wire.ID(strings.Clone(string(a.ID))), to: from, at: at})
	next := alarm{n.next}
	next.by(at)
	n.next = next.at
}

// answerOdds is how likely we should answer a seeker, in parts of 2^32.
func (o *Overlay) answerOdds() uint32 {
	size, answers := o.degree()+len(o.view.list), answerAll
	if len(o.view.list) == maxPassive {
		size, answers = max(size, o.root.size), answerLarge
	}
	if size > answers {
		return uint32(uint64(answers) << 32 / uint64(size))
	}
	return 1<<32 - 1
}

// maxSize bounds what we take the mesh's size for: the lowest ID can be invented.
const maxSize = 100_000

// guess is about how many peers a large mesh has, by its lowest ID, which is its root: that is the least of as
// many random numbers as there are peers, and so about as far from zero as those are from one another. It may
// be ten times out, which does for dividing work. Zero is no idea.
func guess(root wire.ID) int {
	lowest := uint64(0)
	for i := range min(8, len(root)) {
		c := uint64(root[i])
		lowest = lowest<<4 | (c&15 + c>>6*9) // a hex digit
	}
	if lowest == 0 {
		return 0
	}
	return int(min(1<<32/lowest, maxSize))
}

func (n *answers) advance(o *Overlay) {
	if n.next.IsZero() || o.now.Before(n.next) {
		return
	}
	var next alarm
	for i := range n.list {
		w := &n.list[i]
		if !w.done && !o.now.Before(w.at) {
			w.done = true
			o.effect(Effect{Action: Announce, Addr: w.to, Why: "answer"})
		}
		if !w.done {
			next.by(w.at)
		}
	}
	n.next = next.at
}

// forget drops those that were answered long enough ago. Nobody is woken for that: it is done before the next is added.
func (n *answers) forget(now time.Time) {
	n.list = slices.DeleteFunc(n.list, func(w answer) bool { return w.done && !now.Before(w.at.Add(answerEvery)) })
}

func (n *answers) deadline(a *alarm) { a.by(n.next) }
