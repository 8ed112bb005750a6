//go:build unix && !(darwin || dragonfly || freebsd || netbsd || openbsd)

package discovery

import "syscall"

// sharePort lets several peers on one machine listen on the group's port: each of them then gets its
// own copy of a multicast datagram.
func sharePort(_, _ string, c syscall.RawConn) error {
	var err error
	if ctl := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}); ctl != nil {
		return ctl
	}
	return err
}
