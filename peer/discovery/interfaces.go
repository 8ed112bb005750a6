package discovery

import (
	"net"
	"net/netip"
	"slices"
)

// Interface is one on which the group is joined.
type Interface struct {
	Name  string
	Index int
	Addr  netip.Addr // announcements carry it as their source
	Hears bool       // our own last announcement there came back to us
}

// place is an interface that could be joined, as the system shows it now.
type place struct {
	net.Interface
	addrs []netip.Addr // IPv4, the one to announce from first; never empty
}

// same reports whether a membership of p holds good for q. A new index is a new interface, whatever it
// is called; and some systems join by address, so a new address is one, too.
func (p *place) same(q *place) bool {
	return p.Index == q.Index && p.Name == q.Name && slices.Equal(p.addrs, q.addrs)
}

// places returns the interfaces to be joined now: the named ones that are up and have an address, or
// all that suit. More than MaxInterfaces may be returned.
func places(names []string) ([]place, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(ifi net.Interface) bool { return !eligible(ifi, names) })
	addrs, err := ipv4Addrs(all)
	if err != nil {
		return nil, err
	}
	var found []place
	for _, ifi := range all {
		if v4 := addrs[ifi.Index]; len(v4) > 0 {
			found = append(found, place{ifi, routableFirst(v4)})
		}
	}
	slices.SortFunc(found, func(a, b place) int { return a.Index - b.Index })
	if len(names) == 0 {
		found = distinct(found)
	}
	return found, nil
}

// eligible leaves out loopback unless it is named: an announcement that came from 127.0.0.1 would be
// handed on to other machines as that address. Linux's lo lacks the multicast flag, but can.
func eligible(ifi net.Interface, names []string) bool {
	if ifi.Flags&net.FlagUp == 0 {
		return false
	}
	if len(names) > 0 {
		return slices.Contains(names, ifi.Name)
	}
	return ifi.Flags&net.FlagMulticast != 0 && ifi.Flags&net.FlagLoopback == 0
}

// distinct keeps the first of those that announce from one address, as a bridge and a tunnel without a
// number of its own may: twice the same announcement from the same address tells nobody anything.
func distinct(sorted []place) []place {
	seen := make(map[netip.Addr]bool, len(sorted))
	return slices.DeleteFunc(sorted, func(p place) bool {
		again := seen[p.addrs[0]]
		seen[p.addrs[0]] = true
		return again
	})
}

// ipv4Of returns the IPv4 addresses among addrs.
func ipv4Of(addrs []net.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if addr, ok := netip.AddrFromSlice(n.IP); ok && addr.Unmap().Is4() {
			out = append(out, addr.Unmap())
		}
	}
	return out
}

// routableFirst puts addresses that other networks know before link-local ones (RFC 3927), and keeps
// the system's order otherwise.
func routableFirst(addrs []netip.Addr) []netip.Addr {
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int {
		switch {
		case a.IsLinkLocalUnicast() == b.IsLinkLocalUnicast():
			return 0
		case a.IsLinkLocalUnicast():
			return 1
		}
		return -1
	})
	return addrs
}

// checkNames returns an *InterfaceError for the first name that no interface has.
func checkNames(names []string) error {
	if len(names) == 0 {
		return nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	have := make([]string, len(all))
	for i, ifi := range all {
		have[i] = ifi.Name
	}
	for _, name := range names {
		if !slices.Contains(have, name) {
			return &InterfaceError{Name: name, Have: have}
		}
	}
	return nil
}
