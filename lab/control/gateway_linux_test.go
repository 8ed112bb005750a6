package control

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestGateways(t *testing.T) {
	hex := func(a string) string {
		b := netip.MustParseAddr(a).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
	}
	table := strings.Join([]string{
		"Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT",
		"eth0	00000000	" + hex("172.18.0.1") + "	0003	0	0	0	00000000	0	0	0",
		"eth0	" + hex("172.18.0.0") + "	00000000	0001	0	0	0	" + hex("255.255.0.0") + "	0	0	0",
		"eth0	" + hex("10.0.0.0") + "	" + hex("172.18.0.9") + "	0003	0	0	0	" + hex("255.0.0.0") + "	0	0	0", // not for everything
		"eth0	00000000	" + hex("172.18.0.8") + "	0003	0	0	0	" + hex("128.0.0.0") + "	0	0	0",                // for half of it
		"eth1	00000000	00000000	0001	0	0	0	00000000	0	0	0",                                                 // by no gateway
		"eth1	00000000	xyz	0003	0	0	0	00000000	0	0	0",
		"",
	}, "\n")
	if got := readGateways(strings.NewReader(table)); !slices.Equal(got, []netip.Addr{netip.MustParseAddr("172.18.0.1")}) {
		t.Errorf("gateways %v", got)
	}
}
