package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"hearsay/peer/wire"
)

// sendTimeout is how long a call may wait for room in the kernel's buffer, so that a network card that
// does not drain holds up nobody.
const sendTimeout = 50 * time.Millisecond

// ErrNowhere: no interface is joined, so there was nowhere to send to.
var ErrNowhere = errors.New("no network interface can multicast now")

// Send sends an announcement to the group on every joined interface, each time from that interface's
// address. It returns an error when it went out on none: ErrNowhere, or why not. When some work and
// others do not, those are logged, once until they work again. It waits for 50 ms at the most.
func (m *Multicast) Send(data []byte) error {
	if err := checkSize(data); err != nil {
		return err
	}
	members := m.joined()
	if len(members) == 0 {
		m.lookNow()
		return ErrNowhere
	}
	now := m.uptime()
	m.own.SetWriteDeadline(time.Now().Add(sendTimeout))
	errs := make([]error, len(members))
	sent := 0
	for i, p := range members {
		// Awaited before it is sent: the reader may hear it before the sender has returned.
		p.sentAt(now)
		if errs[i] = m.sendOn(p, data); errs[i] != nil {
			p.unsent(now)
			continue
		}
		sent++
	}
	if sent == 0 {
		return errors.Join(errs...)
	}
	for i, p := range members {
		if mute := errs[i] != nil; p.mute.Swap(mute) != mute && mute {
			m.log.Warn("announcements cannot be sent here", "interface", p.Name, "error", errs[i])
		}
	}
	return nil
}

func (m *Multicast) sendOn(p *member, data []byte) error {
	if err := m.writeGroup(p, data); err != nil {
		m.counters.sendErrors.Add(1)
		// Most likely the interface has gone, and perhaps another has come in its place.
		m.lookNow()
		return fmt.Errorf("multicast on %s: %w", p.Name, err)
	}
	m.counters.sent.Add(1)
	return nil
}

// SendTo answers an announcement, at the address and port that it came from.
func (m *Multicast) SendTo(data []byte, to netip.AddrPort) error {
	if err := checkSize(data); err != nil {
		return err
	}
	addr := to.Addr().Unmap()
	if !addr.Is4() || addr.IsMulticast() || addr.IsUnspecified() || to.Port() == 0 {
		m.counters.sendErrors.Add(1)
		return fmt.Errorf("%s is no address to answer to", to)
	}
	m.own.SetWriteDeadline(time.Now().Add(sendTimeout))
	dst := net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, to.Port()))
	if _, err := m.own.WriteTo(data, nil, dst); err != nil {
		m.counters.sendErrors.Add(1)
		m.lookNow()
		return err
	}
	m.counters.sent.Add(1)
	return nil
}

// checkSize refuses what every receiver would drop.
func checkSize(data []byte) error {
	if len(data) > wire.MaxAnnouncement {
		return fmt.Errorf("an announcement of %d bytes; at most %d can be sent", len(data), wire.MaxAnnouncement)
	}
	return nil
}
