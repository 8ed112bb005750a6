//go:build !linux

package web

import "net/netip"

func ownUID() int { return 0 }

// socketOwner is not known here.
func socketOwner(_, _ netip.AddrPort) (uid int, known bool) { return 0, false }
