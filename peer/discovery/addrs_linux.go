package discovery

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// ipv4Addrs returns the IPv4 addresses of interfaces, by index. It asks the kernel once for those of
// all, as net.Interface.Addrs does for each: on a machine that runs containers there may be a hundred,
// and we look every two seconds.
func ipv4Addrs([]net.Interface) (map[int][]netip.Addr, error) {
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_INET)
	if err != nil {
		return nil, os.NewSyscallError("netlinkrib", err)
	}
	msgs, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return nil, os.NewSyscallError("parsenetlinkmessage", err)
	}
	addrs := make(map[int][]netip.Addr)
	for _, msg := range msgs {
		if msg.Header.Type != syscall.RTM_NEWADDR || len(msg.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&msg)
		if err != nil {
			return nil, os.NewSyscallError("parsenetlinkrouteattr", err)
		}
		for _, attr := range attrs {
			// On a point-to-point interface IFA_ADDRESS is the far side's; IFA_LOCAL is always ours.
			if addr, ok := netip.AddrFromSlice(attr.Value); ok && attr.Attr.Type == syscall.IFA_LOCAL && addr.Is4() {
				index := int(binary.NativeEndian.Uint32(msg.Data[4:])) // struct ifaddrmsg: ifa_index
				addrs[index] = append(addrs[index], addr)
			}
		}
	}
	return addrs, nil
}
