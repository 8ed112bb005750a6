package control

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// maxRoutes bounds how many lines of the kernel's table are read. A container has a handful.
const maxRoutes = 1000

// gateways are this network namespace's default gateways: to a container, the machine that it runs on.
func gateways() []netip.Addr {
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return nil
	}
	defer f.Close()
	return readGateways(f)
}

func readGateways(table io.Reader) (found []netip.Addr) {
	const isGateway = 0x2 // RTF_GATEWAY of linux/route.h
	lines := bufio.NewScanner(table)
	for n := 0; lines.Scan() && n < maxRoutes; n++ {
		// Iface Destination Gateway Flags RefCnt Use Metric Mask …, with addresses in this machine's byte order
		w := strings.Fields(lines.Text())
		if len(w) < 8 || w[1] != "00000000" || w[7] != "00000000" {
			continue
		}
		flags, err := strconv.ParseUint(w[3], 16, 16)
		gateway, gerr := strconv.ParseUint(w[2], 16, 32)
		if err == nil && gerr == nil && flags&isGateway != 0 && gateway != 0 {
			found = append(found, netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, uint32(gateway)))))
		}
	}
	return found
}
