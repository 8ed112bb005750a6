package replicas

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/peer/node"
	"hearsay/peer/wire"
)

// place is a number, and who runs there.
type place struct {
	info  fleet.Peer
	run   *run
	ended time.Time
}

// Peers are all places, those whose peer has ended too.
func (f *Fleet) Peers() []fleet.Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]fleet.Peer, len(f.list))
	for i, p := range f.list {
		out[i] = p.info
	}
	return out
}

// place returns a place by its number, or nil. The caller holds mu.
func (f *Fleet) place(number int) *place {
	i, ok := slices.BinarySearchFunc(f.list, number, func(p *place, n int) int { return cmp.Compare(p.info.Number, n) })
	if !ok {
		return nil
	}
	return f.list[i]
}

// seat begins a run at the place that is the peer's, and tells. It reports false for who is seen already, at another
// address of its, and for whom there is no place, or none yet: one that waits takes any.
func (f *Fleet) seat(r *run, s *node.Status, waits time.Duration) bool {
	if _, err := wire.ParseID(s.ID); err != nil {
		return false // it is no peer
	}
	f.mu.Lock()
	if slices.ContainsFunc(f.list, func(p *place) bool { return p.info.Alive && p.info.ID == s.ID }) {
		f.mu.Unlock()
		return false
	}
	name := wire.SanitizeName(s.Name)
	p := f.placeFor(name, waits >= vacantWithin)
	if p == nil {
		f.mu.Unlock()
		return false
	}
	p.run, r.place = r, p
	p.info = fleet.Peer{
		Number: p.info.Number, Name: name, ID: s.ID, Addr: reached(s.Addr, r.at.Addr()), Run: p.info.Run + 1, Alive: true, Started: time.Now(),
	}
	r.id, r.number, r.run = s.ID, p.info.Number, p.info.Run
	e := fleet.Event{At: p.info.Started, Kind: fleet.Started, Peer: r.number, Run: r.run, Far: r.id}
	f.mu.Unlock()
	f.Emit(e)
	return true
}

// placeFor is the place of the number that a name ends with, or else one whose peer had that name, or the lowest number
// that nobody had, or the one that is vacant for longest. It is nil if there is none, and while the number is another's
// unless any will do. The caller holds mu.
func (f *Fleet) placeFor(name string, any bool) *place {
	n, err := strconv.Atoi(name[len(strings.TrimRight(name, "0123456789")):])
	if own := err == nil && n >= 1 && n <= MaxPeers; own {
		switch p := f.place(n); {
		case p == nil:
			return f.insert(n)
		case !p.info.Alive:
			return p
		case !any:
			return nil
		}
	}
	free := 1
	var oldest *place
	for _, p := range f.list {
		if p.info.Number == free {
			free++
		}
		switch {
		case p.info.Alive:
		case p.info.Name == name:
			return p
		case oldest == nil || p.ended.Before(oldest.ended):
			oldest = p
		}
	}
	if free <= MaxPeers {
		return f.insert(free)
	}
	return oldest
}

func (f *Fleet) insert(number int) *place {
	p := &place{info: fleet.Peer{Number: number}}
	i, _ := slices.BinarySearchFunc(f.list, number, func(p *place, n int) int { return cmp.Compare(p.info.Number, n) })
	f.list = slices.Insert(f.list, i, p)
	return p
}

// reached is a peer's address as others reach it: one that listens everywhere is where we found it.
func reached(addr string, at netip.Addr) string {
	if a, err := netip.ParseAddrPort(addr); err == nil && a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(at, a.Port()).String()
	}
	return addr
}

// setPaused notes that a peer is paused or no longer is, and tells if that is news.
func (f *Fleet) setPaused(r *run, paused bool) {
	f.mu.Lock()
	if r.place.info.Paused == paused {
		f.mu.Unlock()
		return
	}
	r.place.info.Paused = paused
	f.mu.Unlock()
	e := fleet.Event{At: time.Now(), Kind: fleet.Resumed, Peer: r.number, Run: r.run}
	if paused {
		e.Kind = fleet.Paused
	}
	f.Emit(e)
}

// over notes that a run has ended, and tells. How it ended, nobody here can know.
func (f *Fleet) over(r *run, at time.Time) {
	f.mu.Lock()
	r.place.info.Alive, r.place.info.Paused, r.place.ended = false, false, at
	f.mu.Unlock()
	f.Emit(fleet.Event{At: at, Kind: fleet.Ended, Peer: r.number, Run: r.run, Reason: fleet.Gone})
}
