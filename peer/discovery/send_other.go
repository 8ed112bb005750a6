//go:build !linux

package discovery

// writeGroup chooses the interface by an option of the socket, which every system has; the source is
// then that interface's address. Only Linux and macOS can say it with the datagram, and on macOS this
// does the same.
func (m *Multicast) writeGroup(p *member, data []byte) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	if err := m.own.SetMulticastInterface(&p.Interface); err != nil {
		return err
	}
	_, err := m.own.WriteTo(data, nil, m.groupAddr())
	return err
}
