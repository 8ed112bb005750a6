package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"

	"hearsay/peer/wire"
)

// group is where peers announce themselves.
var group = &net.UDPAddr{IP: net.IPv4(239, 255, 77, 77), Port: 49152}

// multicast announces the siphoner each second and learns of whoever announces himself.
func (s *siphoner) multicast(ctx context.Context) error {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: group.Port})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	p := ipv4.NewPacketConn(conn)
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagUp != 0 {
			if err := p.JoinGroup(&i, group); err != nil {
				return fmt.Errorf("join at %s: %w", i.Name, err)
			}
		}
	}
	go s.announce(ctx, conn)
	buf := make([]byte, wire.MaxAnnouncement+1)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := wire.ParseAnnouncement(buf[:n])
		if err == nil && a.ID != s.self.ID && !a.Leaving {
			s.learn(ctx, netip.AddrPortFrom(from.Addr().Unmap(), a.Port))
		}
	}
}

func (s *siphoner) announce(ctx context.Context, conn *net.UDPConn) {
	for {
		conn.WriteToUDP(wire.AppendAnnouncement(nil, wire.Announcement{
			ID: s.self.ID, Name: s.self.Name, Port: s.self.Port, Slots: s.self.Slots, Seeking: true,
		}), group)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}
