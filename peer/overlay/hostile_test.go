package overlay

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// villain is somebody who speaks the protocol and keeps none of its rules. It has connections to
// nodes and says what it likes on them.
type villain struct {
	w    *world
	addr netip.AddrPort
	n    int
}

// call opens a connection to a node, says the frames on it, and goes on answering nothing. It returns
// a function that says more.
func (v *villain) call(to *node, frames ...[]byte) (say func(frames ...[]byte), open func() bool) {
	v.n++
	far := &end{n: to}
	near := &end{n: &node{w: v.w, ends: map[wire.Conn]*end{}}, other: far}
	far.other = near
	to.call(func() {
		far.conn = to.o.Accepted(v.w.now, netip.AddrPortFrom(v.addr.Addr(), uint16(20000+v.n%40000)))
		to.ends[far.conn], to.begun[far.conn] = far, true
	})
	say = func(frames ...[]byte) {
		for _, b := range frames {
			near.carry(func(e *end) {
				var f wire.Frame
				if _, err := wire.Decode(b, &f); err != nil {
					v.w.fatalf("the villain cannot spell: %v", err)
				}
				e.n.call(func() { e.n.o.Receive(v.w.now, e.conn, &f) })
			})
		}
	}
	say(frames...)
	return say, func() bool { return to.ends[far.conn] == far }
}

func (v *villain) hello(id wire.ID, purpose wire.Purpose, s wire.Slots) []byte {
	return wire.AppendHello(nil, wire.Hello{Version: wire.Version, ID: id, Name: "villain", Port: 50000 + uint16(v.w.rng.IntN(15000)), Slots: s, Purpose: purpose})
}

// Peers that cannot be dialled hammer a mesh; an honest newcomer gets in all the same, and none of the
// others loses its links.
func TestSiphonersCannotKeepANewcomerOut(t *testing.T) {
	for _, s := range [][2]int{{3, 6}, {3, 3}} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			times(t, 3, time.Second, func(w *world) time.Duration {
				w.mesh(8, slots(s[0], s[1]))
				v := &villain{w: w, addr: netip.MustParseAddrPort("10.9.9.9:50000")}
				var hammer func()
				hammer = func() {
					for _, n := range w.nodes {
						v.call(n, v.hello(wire.NewID(w.rng), wire.PurposeUrgent, wire.Slots{Links: 3, Serve: 6}))
					}
					w.after(5*time.Millisecond, hammer)
				}
				hammer()
				w.run(3 * time.Second)
				for _, n := range w.nodes {
					guests := 0
					for _, l := range n.ups {
						if !l.Out && l.Name == "villain" {
							guests++
						}
					}
					if guests > max(1, s[1]/6) {
						w.fatalf("%v serves %d siphoners", n, guests)
					}
				}
				before := w.now
				newcomer := w.add(slots(s[0], s[1]))
				d := w.until(time.Minute, func() bool { return len(newcomer.ups) >= min(2, s[0]) })
				_ = before
				return d
			})
		})
	}
}

// Invented announcements, by thousands, with other roots, with everybody's IDs, and leaving: links
// stay, tables are bounded (which is checked after every event), and few dials are made.
func TestInventedAnnouncements(t *testing.T) {
	seeds(t, 2, func(w *world) {
		w.mesh(6)
		links := map[*node]int{}
		dials := map[*node]int{}
		for _, n := range w.nodes {
			links[n] = len(n.ups)
			dials[n] = len(n.opened)
		}
		for i := range 20000 {
			w.after(time.Duration(i)*500*time.Microsecond, func() {
				n := w.nodes[w.rng.IntN(6)]
				other := w.nodes[w.rng.IntN(6)]
				a := wire.Announcement{ID: wire.NewID(w.rng), Name: "nobody", Port: 50000, Slots: wire.Slots{Out: 1, Links: 3, In: 1, Serve: 255},
					Root: wire.NewID(w.rng), RootSeq: uint64(w.rng.Int64()), Seeking: w.rng.IntN(2) == 0, Leaving: w.rng.IntN(8) == 0}
				if w.rng.IntN(3) == 0 {
					a.ID = other.id()
				}
				if w.rng.IntN(3) == 0 {
					a.Root = "00000000000000000000000000000000"
				}
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(w.rng.IntN(256)), byte(w.rng.IntN(256))}), 49152)
				if w.rng.IntN(4) == 0 {
					from = other.addr
				}
				n.call(func() { n.o.Heard(w.now, from, &a) })
			})
		}
		w.run(11 * time.Second)
		for _, n := range w.nodes {
			if len(n.ups) < links[n] {
				w.fatalf("%v had %d links and has %d", n, links[n], len(n.ups))
			}
			if d := len(n.opened) - dials[n]; d > 600 {
				w.fatalf("%v made or took %d connections in ten seconds", n, d)
			}
		}
	})
}

// A neighbor that lies: beacons with the highest numbers and the lowest IDs, referrals to nowhere, to
// ourselves and back, shuffles by hundreds, frames out of turn.
func TestLyingNeighbor(t *testing.T) {
	seeds(t, 10, func(w *world) {
		w.mesh(6)
		v := &villain{w: w, addr: netip.MustParseAddrPort("10.9.9.9:50000")}
		say, open := v.call(w.nodes[0], v.hello("f0000000000000000000000000000000", wire.PurposeLink, wire.Slots{Links: 3, Serve: 6}))
		links := map[*node]int{}
		for _, n := range w.nodes {
			links[n] = len(n.ups)
		}
		zero := wire.ID("00000000000000000000000000000000")
		for i := range 3000 {
			w.after(time.Duration(i)*time.Millisecond, func() {
				switch w.rng.IntN(6) {
				case 0:
					say(wire.AppendRoot(nil, wire.Root{ID: zero, Seq: wire.MaxSeq}))
				case 1:
					say(wire.AppendRoot(nil, wire.Root{ID: zero, Seq: uint64(i)}))
				case 2:
					say(wire.AppendRoot(nil, wire.Root{ID: w.nodes[w.rng.IntN(6)].id(), Seq: 1 << 39}))
				case 3:
					say(wire.AppendShuffle(nil, wire.Shuffle{TTL: 6, Candidates: v.candidates()}))
				case 4:
					say(wire.AppendShuffleReply(nil, wire.ShuffleReply{Candidates: v.candidates()}))
				case 5:
					say(wire.AppendPing(nil, wire.Ping{Nonce: 7, Slots: wire.Slots{In: 255}}), wire.AppendPong(nil, wire.Pong{Nonce: 7}))
				}
			})
		}
		w.run(10 * time.Second)
		if open() {
			w.after(0, func() { say(wire.AppendRefer(nil, wire.Refer{Reason: wire.ReasonRoom, Candidates: v.candidates()})) })
		}
		w.run(30 * time.Second)
		for _, n := range w.nodes {
			if got := len(n.ups); got < links[n]-1 {
				w.fatalf("%v had %d links and has %d", n, links[n], got)
			}
		}
		if !w.whole() {
			w.fatalf("the mesh is in %d parts", len(w.parts()))
		}
	})
}

func (v *villain) candidates() []wire.Candidate {
	var list []wire.Candidate
	for range wire.MaxCandidates {
		k := wire.Candidate{ID: wire.NewID(v.w.rng), Name: "nobody", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, 0, byte(v.w.rng.IntN(256))}), 50000), Free: 255}
		switch v.w.rng.IntN(4) {
		case 0:
			k.Addr = netip.MustParseAddrPort("127.0.0.1:50000")
		case 1:
			k.Addr = v.w.nodes[v.w.rng.IntN(len(v.w.nodes))].addr
		case 2:
			k.ID = v.w.nodes[v.w.rng.IntN(len(v.w.nodes))].id()
		}
		list = append(list, k)
	}
	return list
}

// Connections that say nothing do not keep out those that say HELLO.
func TestSilentConnections(t *testing.T) {
	seeds(t, 5, func(w *world) {
		w.mesh(3)
		v := &villain{w: w, addr: netip.MustParseAddrPort("10.9.9.9:50000")}
		for i := range 3000 {
			w.after(time.Duration(i)*time.Millisecond, func() { v.call(w.nodes[i%3]) })
		}
		w.run(time.Second)
		newcomer := w.add()
		if d := w.until(time.Second, func() bool { return len(newcomer.ups) > 1 }); d < 0 {
			w.fatalf("the newcomer has %d links", len(newcomer.ups))
		}
		w.run(5 * time.Second)
	})
}
