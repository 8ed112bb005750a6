package sim

import "hearsay/peer/overlay"

// site is what the arrival of a datagram looks at, for each of thousands of receivers: it is kept apart from all the rest
// of a host, side by side with the other hosts'.
type site struct {
	open bool // its peer runs, and has the world's time: what its ears say holds
	ears overlay.Ears
}

// siteBlock is how many sites are made at a time. They stay where they are.
const siteBlock = 1024

// sites are the sites of all hosts, in their order.
type sites []*[siteBlock]site

// at is the i-th site.
func (s *sites) at(i int) *site {
	if i/siteBlock == len(*s) {
		*s = append(*s, new([siteBlock]site))
	}
	return &(*s)[i/siteBlock][i%siteBlock]
}

// open notes whether a host's ears can be asked. It is called when anything of that has changed.
func (h *Host) open() { h.site.open = h.alive && !h.paused && !h.down && h.speed == 1 && h.skew == 0 }
