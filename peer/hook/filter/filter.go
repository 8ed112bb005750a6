// Package filter drops what comes into a network namespace from some stations of its network. It needs CAP_NET_ADMIN
// there, no tool and no module but nf_tables, and what it did ends with the namespace.
package filter

import "net"

// Drop is a station of which nothing more is heard, or not all.
type Drop struct {
	From  net.HardwareAddr
	Share float64 // of its frames that are dropped; 1 is all
}
