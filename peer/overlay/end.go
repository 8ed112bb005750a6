package overlay

import (
	"hearsay/peer/wire"
)

// close ends a connection for a reason of ours, and says it if anybody is there to hear it.
func (o *Overlay) close(c *conn, reason wire.Reason) {
	if c.state != dialling {
		o.send(c, wire.AppendClose(nil, wire.Close{Reason: reason}))
	}
	o.finish(c, verdict{ours: true, reason: reason})
}

// refer ends a connection for a reason of ours, and names others to try.
func (o *Overlay) refer(c *conn, reason wire.Reason, candidates []wire.Candidate) {
	o.send(c, wire.AppendRefer(nil, wire.Refer{Reason: reason, Candidates: candidates}))
	o.finish(c, verdict{ours: true, reason: reason, referred: true})
}

// gone ends a connection that has ended by itself, or whose dial failed.
func (o *Overlay) gone(c *conn, reason wire.Reason) {
	o.finish(c, verdict{reason: reason, silent: true})
}

// verdict is how a connection ended.
type verdict struct {
	ours     bool // we ended it
	silent   bool // it ended without a word: there is nothing left to hang up
	referred bool
	reason   wire.Reason
}

func (o *Overlay) finish(c *conn, v verdict) {
	o.forget(c)
	if c.state == up {
		o.down(c, v)
	} else {
		o.ended(c, v)
	}
	if !v.silent {
		o.effect(Effect{Action: Hangup, Conn: c.id})
	}
}

// ended is the end of a connection that did not become a link.
func (o *Overlay) ended(c *conn, v verdict) {
	outcome := c.outcome(v)
	o.told(c, outcome, v.reason)
	if c.out {
		if outcome != "cancelled" {
			o.counts.turned[v.reason]++
		}
		o.turned(c, v, outcome)
	} else if v.ours {
		o.counts.refused[v.reason]++
	}
}

// outcome is the one word for it.
func (c *conn) outcome(v verdict) string {
	switch {
	case v.silent, c.out && v.reason == wire.ReasonHandshake, c.state == dialling && !v.ours:
		return "failed"
	case c.out && c.purpose == wire.PurposeVerify && c.hello != nil:
		return "verified"
	case v.reason == wire.ReasonProbed && c.hello != nil:
		return "probed"
	case v.referred:
		return "referred"
	case c.out && v.ours && cancels(v.reason):
		return "cancelled"
	case !c.out && v.reason == wire.ReasonHandshake && c.hello == nil:
		return "timeout"
	case !c.out && !v.ours:
		return "failed" // the dialler has thought better of it
	}
	return "refused"
}

// cancels reports whether a reason of ours says nothing against the peer: the slot was filled, or the
// roots have become one, or we leave.
func cancels(r wire.Reason) bool {
	switch r {
	case wire.ReasonFull, wire.ReasonDuplicate, wire.ReasonProbed, wire.ReasonBusy, wire.ReasonGoodbye:
		return true
	}
	return false
}

// turned draws the consequences of a dial that became no link.
func (o *Overlay) turned(c *conn, v verdict, outcome string) {
	switch {
	case outcome == "cancelled":
	case v.reason == wire.ReasonDuplicate:
		if c.target != nil {
			c.target.resume = o.now.Add(o.jitter(retryMin))
		}
	case outcome == "failed":
		o.retry(c.target, true)
	case links(c.purpose) && outcome != "probed":
		if v.reason == wire.ReasonFull {
			o.full++
			if c.target != nil {
				c.target.free = 0
			}
		}
		o.retry(c.target, false)
		if c.target != nil && (v.reason == wire.ReasonVersion || v.reason == wire.ReasonSelf) {
			c.target.resume = o.now.Add(o.jitter(retryMax))
		}
		if c.hello != nil {
			o.bridge.suspect(o, c.peer, c.addr, c.hello.Root, c.hello.RootSeq, c.hello.Slots, c.context, true)
		}
	}
	switch c.purpose {
	case wire.PurposeBridge:
		o.bridge.ended(o, c, outcome)
	case wire.PurposeVerify:
		o.trust.answered(o, c, outcome == "verified")
	}
}
