package discovery

import "golang.org/x/net/ipv4"

// writeGroup names the interface and the source with the datagram itself. Without Src, what goes out
// on lo would carry the address of the default route's interface.
func (m *Multicast) writeGroup(p *member, data []byte) error {
	cm := &ipv4.ControlMessage{IfIndex: p.Index, Src: p.addrs[0].AsSlice()}
	_, err := m.own.WriteTo(data, cm, m.groupAddr())
	return err
}
