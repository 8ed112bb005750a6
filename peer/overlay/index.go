package overlay

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"hearsay/peer/wire"
)

// acquaintances holds the beginnings of the IDs of everybody in the passive view and at the other end of a link, in
// no order.
type acquaintances struct {
	keys    []uint64
	changed bool // since the ears were told
}

func (a *acquaintances) add(id wire.ID) {
	a.keys, a.changed = append(a.keys, idKey(id)), true
}

func (a *acquaintances) remove(id wire.ID) {
	i, n := slices.Index(a.keys, idKey(id)), len(a.keys)-1
	a.keys[i] = a.keys[n]
	a.keys, a.changed = a.keys[:n], true
}

// has may be wrong about a stranger, whose ID begins as another's does, and is never about an acquaintance.
func (a *acquaintances) has(id wire.ID) bool { return slices.Contains(a.keys, idKey(id)) }

// index holds 64 bits of each entry's ID and address, side by side, in the order of the list that it belongs
// to, so that finding one does not look at every entry.
type index struct{ ids, addrs []uint64 }

func (x *index) add(id wire.ID, addr netip.AddrPort) {
	x.ids, x.addrs = append(x.ids, idKey(id)), append(x.addrs, addrKey(addr))
}

func (x *index) remove(i int) {
	x.ids, x.addrs = slices.Delete(x.ids, i, i+1), slices.Delete(x.addrs, i, i+1)
}

// idKey is the beginning of an ID. IDs are random, so two of one mesh hardly ever share it.
func idKey(id wire.ID) uint64 {
	if len(id) < 8 {
		return 0
	}
	return uint64(id[0]) | uint64(id[1])<<8 | uint64(id[2])<<16 | uint64(id[3])<<24 |
		uint64(id[4])<<32 | uint64(id[5])<<40 | uint64(id[6])<<48 | uint64(id[7])<<56
}

// addrKey is an IPv4 address with its port, or a mixture of an IPv6 one.
func addrKey(addr netip.AddrPort) uint64 {
	b := addr.Addr().As16()
	return binary.LittleEndian.Uint64(b[8:]) ^ uint64(addr.Port())<<16 ^ binary.LittleEndian.Uint64(b[:8])
}
