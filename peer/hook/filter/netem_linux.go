package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel's netem, which makes late what an interface sends (linux/pkt_sched.h). Times are attributes in nanoseconds,
// since the fields of the older structure are in ticks of the machine.
const (
	netemLatency64 = 10
	netemJitter64  = 11
	netemLimit     = 10000      // packets that may wait: more than a second of a busy gigabit
	handleRoot     = 0xFFFFFFFF // TC_H_ROOT
)

// SetDelay makes late what goes out of an interface. Zero is not late at all. The error says so if this kernel
// has no netem.
func SetDelay(device string, delay, jitter time.Duration) error {
	i, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	if delay == 0 {
		err := traffic(unix.RTM_DELQDISC, 0, i.Index, nil)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
			return nil // there was none
		}
		return err
	}
	options := make([]byte, 24)
	binary.NativeEndian.PutUint32(options[4:], netemLimit)
	options = append(options, attribute(netemLatency64, binary.NativeEndian.AppendUint64(nil, uint64(delay)))...)
	options = append(options, attribute(netemJitter64, binary.NativeEndian.AppendUint64(nil, uint64(jitter)))...)
	body := append(str(unix.TCA_KIND, "netem"), attribute(unix.TCA_OPTIONS, options)...)
	err = traffic(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, i.Index, body)
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("this kernel has no netem (module sch_netem), which makes packets late: %w", err)
	}
	return err
}

// traffic has the kernel do one thing to the root queue of an interface.
func traffic(kind uint16, flags uint16, index int, attributes []byte) error {
	m := binary.NativeEndian.AppendUint32(nil, 0)
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m = append(m, make([]byte, 8)...)
	m = append(m, unix.AF_UNSPEC, 0, 0, 0) // struct tcmsg
	m = binary.NativeEndian.AppendUint32(m, uint32(index))
	m = binary.NativeEndian.AppendUint32(m, 0)
	m = binary.NativeEndian.AppendUint32(m, handleRoot)
	m = binary.NativeEndian.AppendUint32(m, 0)
	m = append(m, attributes...)
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	b := &batch{out: m, wait: 1}
	if err := b.exchange(unix.NETLINK_ROUTE); err != nil {
		if e, ok := errors.AsType[*os.SyscallError](err); ok {
			return os.NewSyscallError("traffic control", e.Err)
		}
		return err
	}
	return nil
}
