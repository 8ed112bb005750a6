//go:build !linux

package discovery

import (
	"net"
	"net/netip"
)

// ipv4Addrs returns the IPv4 addresses of interfaces, by index.
func ipv4Addrs(interfaces []net.Interface) (map[int][]netip.Addr, error) {
	addrs := make(map[int][]netip.Addr)
	for _, ifi := range interfaces {
		// An error here means that the interface has gone since, which is what no address means.
		all, _ := ifi.Addrs()
		addrs[ifi.Index] = ipv4Of(all)
	}
	return addrs, nil
}
