//go:build !linux

package node

import "syscall"

// Elsewhere the protocol's own pings are alone in noticing a silent neighbor.
func controlConn(_, _ string, _ syscall.RawConn) error { return nil }

func controlListen(_, _ string, _ syscall.RawConn) error { return nil }
