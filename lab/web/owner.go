package web

import (
	"net"
	"net/http"
	"net/netip"
)

// othersRequest reports whether a request certainly comes from another user of this machine: then the page does not
// get the token. Where that cannot be known, as through a container's port, whoever reaches the page may use it.
func othersRequest(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	there, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	uid, known := socketOwner(there, here)
	return known && uid != 0 && uid != ownUID()
}
