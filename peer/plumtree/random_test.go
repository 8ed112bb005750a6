package plumtree

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"hearsay/peer/wire"

	"pgregory.net/rapid"
)

// TestAnythingMayHappen plays random faults, then ends them. Safety is checked all the while: in order,
// once, unchanged, nothing broken. Liveness afterwards: whatever any living peer holds or has published
// is delivered to every living peer that was up when it was published, and nothing was given up.
func TestAnythingMayHappen(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := newNetwork(r, rapid.Uint64().Draw(r, "seed"))
		n.delay = func() time.Duration {
			return time.Duration(n.rng.Int64N(int64(5 * time.Millisecond)))
		}
		for range rapid.IntRange(2, 7).Draw(r, "peers") {
			n.start()
		}
		n.random(2)
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			n.fault(rapid.IntRange(0, len(faults)-1).Draw(r, "fault"))
		}
		n.mend()
		n.run(20 * time.Second)
		n.wantAlike()
	})
}

var faults = []string{"publish", "publish", "publish", "burst", "run", "run", "start", "cut", "join", "kill", "pause", "resume", "hold", "let go", "split", "slow", "bridge"}

func (n *network) fault(i int) {
	live := n.live()
	if len(live) == 0 {
		n.start()
		return
	}
	p, q := live[n.rng.IntN(len(live))], live[n.rng.IntN(len(live))]
	switch faults[i] {
	case "publish":
		p.say(1)
	case "burst":
		p.say(1 + n.rng.IntN(800))
	case "run":
		n.run(time.Duration(n.rng.Int64N(int64(300 * time.Millisecond))))
	case "start":
		if len(n.peers) < 12 {
			s := n.start()
			for range 1 + n.rng.IntN(2) {
				if l := live[n.rng.IntN(len(live))]; !n.linked(s, l) {
					n.join(s, l)
				}
			}
		}
	case "cut":
		if len(p.cables) > 0 {
			n.cut(p, p.cables[n.rng.IntN(len(p.cables))].to.from)
		}
	case "join":
		if p != q && !n.linked(p, q) {
			n.join(p, q)
		}
	case "kill":
		if len(live) > 2 {
			n.kill(p)
		}
	case "pause":
		p.paused = true
	case "resume":
		p.paused = false
	case "hold":
		if len(p.cables) > 0 {
			p.cables[n.rng.IntN(len(p.cables))].hold = true
		}
	case "let go":
		for _, c := range p.cables {
			c.hold = false
		}
	case "split":
		n.split(live[:len(live)/2], live[len(live)/2:])
	case "bridge": // a newcomer is all that joins two halves
		if k := len(live) / 2; k > 0 && len(n.peers) < 12 {
			n.split(live[:k], live[k:])
			p.say(2)
			n.run(20 * time.Millisecond)
			s := n.start()
			n.join(s, live[0])
			n.run(time.Duration(n.rng.IntN(2)) * 10 * time.Millisecond)
			n.join(s, live[k])
		}
	case "slow":
		if len(p.cables) > 0 {
			p.cables[n.rng.IntN(len(p.cables))].mark = 2000
		}
	}
}

// split cuts all links between two halves.
func (n *network) split(a, b []*peer) {
	for _, p := range a {
		for _, q := range b {
			if n.linked(p, q) {
				n.cut(p, q)
			}
		}
	}
}

// say publishes up to k messages, as far as they are taken.
func (p *peer) say(k int) {
	for i := range k {
		text := fmt.Sprint("text ", i)
		seq, _, err := p.tree.Publish(p.net.now, []byte(text), wire.Context{})
		if err != nil {
			return
		}
		id := wire.MessageID(p.origin, seq)
		p.when[id], p.texts[id] = p.net.now, text
		if i%16 == 0 {
			p.perform()
		}
	}
	p.perform()
}

func (n *network) live() (list []*peer) {
	for _, p := range n.peers {
		if !p.dead {
			list = append(list, p)
		}
	}
	return list
}

// mend ends all faults and connects the living.
func (n *network) mend() {
	live := n.live()
	for _, p := range live {
		p.paused = false
		for _, c := range p.cables {
			c.hold, c.mark = false, 0
			if c.full {
				c.full = false
				p.tree.Full(n.now, c.conn, false)
			}
		}
	}
	for i, p := range live[1:] {
		if q := live[n.rng.IntN(i+1)]; !n.linked(p, q) {
			n.join(p, q)
		}
	}
}

// wantAlike checks that the living have what they are owed.
func (n *network) wantAlike() {
	for _, o := range n.peers {
		for id := range o.texts {
			_, seq, err := wire.ParseMessageID(id)
			if err != nil {
				n.t.Fatalf("%v", err)
			}
			if !n.survives(o, seq) {
				continue
			}
			for _, p := range n.live() {
				if p != o && !p.started.After(o.when[id]) && !p.has(o, seq) {
					n.t.Fatalf("%s, up since %v, lacks %d of %s, said at %v\n%s", p.name, p.started.Sub(time.Unix(1e9, 0)), seq, o.name, o.when[id].Sub(time.Unix(1e9, 0)), n.table(o))
				}
			}
		}
	}
	for _, f := range n.frames {
		if !bytes.Equal(f[0], f[1]) {
			n.t.Fatalf("%q was written over: %q", f[1], f[0])
		}
	}
	for _, p := range n.live() {
		if s := p.tree.Stats(); s.Lost > 0 {
			n.t.Fatalf("%s gave up messages: %+v", p.name, s)
		}
	}
}

// survives reports whether any living peer has the message.
func (n *network) survives(o *peer, seq uint64) bool {
	return slices.ContainsFunc(n.live(), func(p *peer) bool {
		at := p.tree.origins.findName(o.origin)
		if at == nil {
			return false
		}
		_, _, held := at.log.find(seq)
		return held
	})
}
