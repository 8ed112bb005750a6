package web

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

func ownUID() int { return os.Getuid() }

// maxSockets bounds how many lines of the kernel's table are read.
const maxSockets = 100_000

// socketOwner is the user whose socket has these two ends, if it is on this machine: the kernel lists all of them.
func socketOwner(local, remote netip.AddrPort) (uid int, known bool) {
	if !local.Addr().Is4() || !remote.Addr().Is4() {
		return 0, false
	}
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	want := [2]string{kernelForm(local), kernelForm(remote)}
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan() && n < maxSockets; n++ {
		//   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid …
		if w := strings.Fields(lines.Text()); len(w) > 7 && w[1] == want[0] && w[2] == want[1] {
			uid, err := strconv.Atoi(w[7])
			return uid, err == nil
		}
	}
	return 0, false
}

// kernelForm is an address as /proc/net/tcp has it: a number in this machine's byte order, and the port.
func kernelForm(a netip.AddrPort) string {
	b := a.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(b[:]), a.Port())
}
