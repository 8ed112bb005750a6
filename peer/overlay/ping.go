package overlay

import (
	"time"

	"hearsay/peer/wire"
)

const (
	// pingEvery and silentFor are what makes a silent death known within about three seconds: one ping
	// may be lost to a busy peer, two are not.
	pingEvery = time.Second
	silentFor = 3 * time.Second
)

// ping is when to ask for a sign of life next. All links are asked at one time, so that an idle peer
// wakes once a second.
type ping struct {
	next  time.Time
	nonce uint64
}

func (p *ping) start(o *Overlay) { p.next = o.now.Add(o.between(0, pingEvery)) }

func (p *ping) advance(o *Overlay) {
	o.health.recover(o) // first: it changes our patience
	for i := 0; i < len(o.order); {
		if c := o.order[i]; c.state == up && o.now.Sub(c.heard) >= o.patience() {
			o.close(c, wire.ReasonTimeout)
			i = 0
		} else {
			i++
		}
	}
	if o.now.Before(p.next) {
		return
	}
	p.next = o.now.Add(pingEvery)
	p.nonce++
	var frame []byte // the same for all
	for _, c := range o.order {
		if c.state != up {
			continue
		}
		if frame == nil {
			frame = wire.AppendPing(nil, wire.Ping{Nonce: p.nonce, Slots: o.Slots()})
		}
		c.nonce, c.pinged = p.nonce, o.now
		o.send(c, frame)
	}
}

func (o *Overlay) onPing(c *conn, p *wire.Ping) {
	c.slots = p.Slots
	o.send(c, wire.AppendPong(nil, wire.Pong{Nonce: p.Nonce}))
}

// onPong measures the round trip, smoothed as TCP does it (RFC 6298 section 2.3).
func (o *Overlay) onPong(c *conn, p *wire.Pong) {
	if c.pinged.IsZero() || p.Nonce != c.nonce {
		return
	}
	rtt := o.now.Sub(c.pinged)
	c.pinged = time.Time{}
	if c.rtt == 0 {
		c.rtt = rtt
	} else {
		c.rtt += (rtt - c.rtt) / 8
	}
}
