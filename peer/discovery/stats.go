package discovery

import "sync/atomic"

// Stats counts datagrams since Open, unless it says otherwise.
type Stats struct {
	Sent       uint64 // on each interface, and answers
	SendErrors uint64 // that could not be sent, on each interface
	Received   uint64 // that were handed on
	Foreign    uint64 // for another group, interface or address
	Oversized  uint64 // longer than an announcement can be
	Dropped    uint64 // because Receive was full
	Joins      uint64 // of the group, on any interface
	Errors     uint64 // of reading, of joining, and of listing interfaces
}

// counters are Stats as they are counted.
type counters struct {
	sent, sendErrors, received, foreign, oversized, dropped, joins, errors atomic.Uint64
}

// Stats returns the counters. They are not taken at one instant.
func (m *Multicast) Stats() Stats {
	c := &m.counters
	return Stats{
		Sent:       c.sent.Load(),
		SendErrors: c.sendErrors.Load(),
		Received:   c.received.Load(),
		Foreign:    c.foreign.Load(),
		Oversized:  c.oversized.Load(),
		Dropped:    c.dropped.Load(),
		Joins:      c.joins.Load(),
		Errors:     c.errors.Load(),
	}
}
