package node

import (
	"net/netip"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/wire"
)

// selfTestFor is how long a peer waits to hear its own first announcements.
const selfTestFor = 3 * time.Second

// selfTest checks that multicast works here at all: a peer hears itself.
type selfTest struct {
	until  time.Time // zero: decided
	failed bool
	errAt  time.Time // when a sending error was last logged
	joinAt time.Time // when a join name was last complained of
	sent   uint64
	heard  uint64
	bad    uint64 // datagrams that are no announcement
}

func (s *selfTest) begin(now time.Time, multicast bool) {
	if multicast {
		s.until = now.Add(selfTestFor)
	}
}

// complainEvery limits how often one trouble is logged.
const complainEvery = time.Minute

// sendDatagram sends an announcement.
func (n *Node) sendDatagram(data []byte, to netip.AddrPort) {
	if n.udp == nil {
		return
	}
	n.selfTest.sent++
	var err error
	if to.IsValid() {
		err = n.udp.SendTo(data, to)
	} else {
		err = n.udp.Send(data)
	}
	now := time.Now()
	if err != nil && now.Sub(n.selfTest.errAt) > complainEvery {
		n.selfTest.errAt = now
		n.log.Warn("announcement not sent; will go on trying", "err", err)
	}
	if s := &n.selfTest; !s.until.IsZero() && now.After(s.until) {
		s.until, s.failed = time.Time{}, true
		remedy := "name peers with --join"
		if len(n.cfg.Join) > 0 {
			remedy = "relying on --join"
		}
		n.log.Warn("multicast does not work here: this peer did not hear its own announcement; "+remedy,
			"group", n.cfg.Group.String())
	}
}

// hear takes datagrams from the network to the core.
func (n *Node) hear() {
	for {
		var d discovery.Datagram
		var open bool
		select {
		case d, open = <-n.udp.Receive():
			if !open {
				return
			}
		case <-n.udp.Changes():
			if !n.tell(n.mesh.Reannounce) {
				return
			}
			continue
		}
		a, err := wire.ParseAnnouncement(d.Data)
		ok := n.tell(func(now time.Time) {
			switch {
			case err != nil:
				n.selfTest.bad++
				n.log.Debug("not an announcement", "from", d.From.String(), "err", err)
				return
			case a.ID == n.id:
				if s := &n.selfTest; !s.until.IsZero() || s.failed {
					s.until, s.failed = time.Time{}, false
					n.log.Debug("multicast works: heard our own announcement")
				}
				// The core hears it too: it counts a stranger who claims our ID.
			}
			n.selfTest.heard++
			n.mesh.Heard(now, d.From, &a)
		})
		if !ok {
			return
		}
	}
}

// joinTrouble logs a join list that cannot be read, now and then.
func (n *Node) joinTrouble(err error) {
	now := time.Now()
	if err == nil || now.Sub(n.selfTest.joinAt) < complainEvery {
		return
	}
	n.selfTest.joinAt = now
	n.log.Warn("--join: not all names can be resolved; will go on trying", "err", err)
}
