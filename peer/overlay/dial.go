package overlay

import (
	"net/netip"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

const (
	// maxDialling is the most dials for links at one time. With half of a mesh dead behind silent
	// addresses, three missing links need six dials on average; eight leaves some for bad luck.
	maxDialling = 8
	// dialsPerSecond and dialsBurst bound how often we dial for links. A burst is everybody whom we know,
	// twice; the pace is for when somebody invents peers faster than dials to them can fail.
	dialsPerSecond = 16
	dialsBurst     = 2 * maxPassive
	// hedgeAfter is how long a dial may take to connect before another candidate is tried beside it:
	// RFC 8305 (happy eyeballs) section 5 allows 100 ms at least.
	hedgeAfter = 100 * time.Millisecond
	// answerSoon is how long a HELLO may stay without an answer before the slot is offered to another: a
	// paused process still connects, since its kernel does, but never answers.
	answerSoon = 300 * time.Millisecond
	// retryMin and retryMax bound the wait between dials to one address, which doubles. At the most, the
	// thirty of a whole dead passive view cost one dial in two seconds.
	retryMin = 500 * time.Millisecond
	retryMax = time.Minute
	// retryAlone bounds it for a peer without links, who has nothing better to do.
	retryAlone = 5 * time.Second
	// sourceFor is how long a dial still counts as a consequence of the word that named the candidate.
	sourceFor = 10 * time.Second
)

// fill dials for as long as slots are lacking and somebody is left to dial.
func (o *Overlay) fill() {
	if planted.On(planted.NeverReplace) && !o.heal.began.IsZero() && o.degree() > 0 {
		return
	}
	for o.lacking() > 0 && o.dials() < maxDialling {
		if !o.dialing.ready(o.now) {
			o.counts.limit("dials")
			return
		}
		p := o.choose()
		if p == nil {
			return
		}
		o.dialing.take(o.now)
		o.dialPeer(p, wire.PurposeLink)
	}
}

// lacking is how many more dials the free outgoing slots call for. A dial speaks for a slot while it
// is young: later another may try beside it.
func (o *Overlay) lacking() int {
	n := o.cfg.Links - o.out
	for _, c := range o.order {
		if o.filling(c) && o.now.Before(c.hedge()) {
			n--
		}
	}
	return n
}

// filling reports whether c is a dial on its way to an ordinary link.
func (o *Overlay) filling(c *conn) bool {
	return c.out && c.state != up && c.purpose <= wire.PurposeUrgent && c.spares == 0
}

// hedge is when a dial that has come no further stops speaking for a slot.
func (c *conn) hedge() time.Time {
	if c.state == dialling {
		return c.since.Add(hedgeAfter)
	}
	return c.since.Add(answerSoon)
}

func (o *Overlay) dials() int {
	n := 0
	for _, c := range o.order {
		if o.filling(c) {
			n++
		}
	}
	return n
}

// cancelSurplus parts with the dials that are no longer needed, so that nobody welcomes us in vain.
func (o *Overlay) cancelSurplus() {
	if o.out < o.cfg.Links {
		return
	}
	for i := 0; i < len(o.order); {
		if c := o.order[i]; o.filling(c) && o.linkTo(c.peer) == nil {
			o.close(c, wire.ReasonFull)
		} else {
			i++
		}
	}
}

// dialPeer dials an entry of a view or of the join list.
func (o *Overlay) dialPeer(p *peer, purpose wire.Purpose) *conn {
	parent := o.heal.context
	if !parent.Valid() && o.now.Sub(p.told) < sourceFor {
		parent = p.source
	}
	c := o.dial(p.addr, purpose, parent)
	c.peer, c.name, c.by, c.target = p.id, p.name, p.by, p
	p.last = o.now
	return c
}

func (o *Overlay) dial(addr netip.AddrPort, purpose wire.Purpose, parent wire.Context) *conn {
	c := o.newConn()
	c.out, c.state, c.purpose, c.addr = true, dialling, purpose, addr
	c.deadline = o.now.Add(dialFor)
	c.parent, c.context = parent, o.span(parent)
	o.effect(Effect{Action: Dial, Conn: c.id, Addr: addr})
	return c
}

// choose picks whom to dial: of two candidates at random the one with more free slots. (Mitzenmacher,
// The Power of Two Choices, 2001: choosing the least loaded of all would send everybody to the same
// peer.) Whoever has as many free slots as we open links counts as empty: otherwise newcomers would only dial
// each other, and the mesh grow as a long chain. Those known to be full come after those that are not, and the
// dead after both.
func (o *Overlay) choose() *peer {
	var class [3][]*peer
	for p := range o.candidates() {
		if o.now.Before(o.resume(p)) || o.dialled(p) {
			continue
		}
		switch {
		case p.dead:
			class[2] = append(class[2], p)
		case p.id != "" && p.free == 0:
			class[1] = append(class[1], p)
		default:
			class[0] = append(class[0], p)
		}
	}
	for _, list := range class {
		if len(list) == 0 {
			continue
		}
		a, b := list[o.rng.IntN(len(list))], list[o.rng.IntN(len(list))]
		if min(b.free, o.cfg.Links) > min(a.free, o.cfg.Links) {
			a = b
		}
		return a
	}
	return nil
}

// candidates is everybody whom we could dial for a link: the passive view, and the addresses of the
// join list that are not in it.
func (o *Overlay) candidates() func(func(*peer) bool) {
	return func(yield func(*peer) bool) {
		for _, p := range o.view.list {
			if !yield(p) {
				return
			}
		}
		for _, p := range o.join.list {
			if o.join.elsewhere(o, p) {
				continue
			}
			if !yield(p) {
				return
			}
		}
	}
}

// resume is when an entry may be dialled again.
func (o *Overlay) resume(p *peer) time.Time {
	if o.degree() == 0 && !p.last.IsZero() && p.resume.Sub(p.last) > retryAlone {
		return p.last.Add(retryAlone)
	}
	return p.resume
}

// dialled reports whether a dial to the entry is under way for a link.
func (o *Overlay) dialled(p *peer) bool { return o.dialledFor(p.id, p.addr) }

func (o *Overlay) dialledFor(id wire.ID, addr netip.AddrPort) bool {
	for _, c := range o.order {
		if c.out && c.state != up && links(c.purpose) && (c.addr == addr || id != "" && c.peer == id) {
			return true
		}
	}
	return false
}

// dialDeadline is when fill can do more than now.
func (o *Overlay) dialDeadline(a *alarm) {
	if o.out >= o.cfg.Links {
		return
	}
	for _, c := range o.order {
		if o.filling(c) && o.now.Before(c.hedge()) {
			a.by(c.hedge())
		}
	}
	if o.lacking() <= 0 || o.dials() >= maxDialling {
		return
	}
	if !o.dialing.ready(o.now) {
		a.by(o.dialing.next())
		return
	}
	for p := range o.candidates() {
		if at := o.resume(p); at.After(o.now) && !o.dialled(p) {
			a.by(at)
		}
	}
}

// retry makes an entry wait after a dial that came to nothing. It is never purged for that: purging is
// how partitions become permanent.
func (o *Overlay) retry(p *peer, dead bool) {
	if p == nil {
		return
	}
	if planted.On(planted.PurgePassive) && dead {
		o.view.remove(p)
		return
	}
	p.tries++
	if p.dead = dead; dead {
		p.shut++
	}
	wait := retryMax
	if p.tries < 8 {
		wait = min(retryMax, retryMin<<(p.tries-1))
	}
	p.resume = o.now.Add(o.jitter(wait))
}
