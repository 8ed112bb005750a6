package wire

// appendSelf writes what HELLO and an announcement both say of their sender.
func appendSelf(b []byte, id ID, name string, port uint16, slots Slots, root ID, rootSeq uint64) []byte {
	if port < MinPort {
		panic("wire: a peer listens on a port from 49152 up")
	}
	b = appendID(b, id)
	b = append(b, ' ')
	b = appendName(b, name)
	b = append(b, ' ')
	b = appendNumber(b, uint64(port))
	b = append(b, ' ')
	b = appendSlots(b, slots)
	if root == "" {
		return append(b, " - 0"...)
	}
	b = append(b, ' ')
	b = appendID(b, root)
	b = append(b, ' ')
	return appendSeq(b, rootSeq, 0)
}

func appendID(b []byte, id ID) []byte {
	n := len(b)
	b = append(b, id...)
	if !isID(b[n:]) {
		panic("wire: not an id: " + excerpt(b[n:]))
	}
	return b
}

func appendOrigin(b []byte, o Origin) []byte {
	n := len(b)
	b = append(b, o...)
	if !isOrigin(b[n:]) {
		panic("wire: not an origin: " + excerpt(b[n:]))
	}
	return b
}

func appendName(b []byte, name string) []byte {
	n := len(b)
	b = append(b, name...)
	if !isName(b[n:]) {
		panic("wire: not a name: " + excerpt(b[n:]))
	}
	return b
}

func appendReason(b []byte, r Reason) []byte {
	for _, known := range reasons {
		if r == known {
			return append(b, r...)
		}
	}
	panic("wire: not a known reason: " + excerpt([]byte(r)))
}

func appendSeq(b []byte, seq, least uint64) []byte {
	if seq < least || seq > MaxSeq {
		panic("wire: a sequence number that is zero or over MaxSeq")
	}
	return appendNumber(b, seq)
}

func appendSlot(b []byte, n int) []byte {
	return appendNumber(b, uint64(min(max(n, 0), MaxSlots)))
}

func appendSlots(b []byte, s Slots) []byte {
	b = appendSlot(b, s.Out)
	b = append(b, '/')
	b = appendSlot(b, s.Links)
	b = append(b, ' ')
	b = appendSlot(b, s.In)
	b = append(b, '/')
	return appendSlot(b, s.Serve)
}
