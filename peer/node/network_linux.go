package node

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// controlConn sets TCP_USER_TIMEOUT (RFC 5482), which only Linux has.
func controlConn(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silentAfter.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}

// controlListen sets it on the listener; accepted connections inherit it.
func controlListen(network, addr string, c syscall.RawConn) error {
	return controlConn(network, addr, c)
}
