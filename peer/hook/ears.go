package hook

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/net/ipv4"
)

// earsGroup is not the peers' own, so that no peer has to make sense of a hand's probe.
var earsGroup = &net.UDPAddr{IP: net.IPv4(239, 255, 77, 78), Port: 49151}

// ears are a hand's membership of a group of hands.
type ears struct {
	conn *net.UDPConn
	done chan struct{}
}

func (e *ears) open(h *heard) error {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: earsGroup.Port})
	if err != nil {
		return fmt.Errorf("listen for probes: %w", err)
	}
	names, err := devices()
	for _, name := range names {
		var i *net.Interface
		if i, err = net.InterfaceByName(name); err == nil {
			err = ipv4.NewPacketConn(conn).JoinGroup(i, earsGroup)
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("listen for probes: %w", err)
	}
	e.conn, e.done = conn, make(chan struct{})
	go e.listen(h)
	return nil
}

func (e *ears) close() {
	e.conn.Close()
	<-e.done
}

func (e *ears) listen(h *heard) {
	defer close(e.done)
	buf := make([]byte, 512)
	for {
		n, from, err := e.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if port, token := senderOf(buf[:n]); token != "" {
			h.add(token, netip.AddrPortFrom(from.Addr().Unmap(), port).String())
		}
	}
}

// shout goes out on every interface: the default route alone would not do for a container with two.
func (e *ears) shout(devices []string, addr, token string) error {
	self, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := ipv4.NewPacketConn(conn)
	for _, name := range devices {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		if err := p.SetMulticastInterface(i); err != nil {
			return err
		}
		if _, err := conn.WriteToUDP([]byte(probe+strconv.Itoa(int(self.Port()))+" "+token), earsGroup); err != nil {
			return err
		}
	}
	return nil
}
