package wire

import (
	"bytes"
	"net/netip"
)

// sendable reports whether addr means to others what it means to us, in the one way it is written.
func sendable(addr netip.AddrPort) bool {
	ip := addr.Addr()
	return ip.IsValid() && ip.Zone() == "" && !ip.Is4In6() && !ip.IsUnspecified() && !ip.IsMulticast() && addr.Port() != 0
}

// appendCandidates leaves out candidates that nobody else could dial: addresses come from outside, and
// an odd one is no reason to stop. A zone is dropped, since it names an interface of one machine.
func appendCandidates(b []byte, candidates []Candidate) []byte {
	checkLength(len(candidates), MaxCandidates)
	for _, c := range candidates {
		addr := netip.AddrPortFrom(c.Addr.Addr().Unmap().WithZone(""), c.Addr.Port())
		if !sendable(addr) {
			continue
		}
		b = append(b, ' ')
		b = appendID(b, c.ID)
		b = append(b, ' ')
		b = appendName(b, c.Name)
		b = append(b, ' ')
		b = addr.AppendTo(b)
		b = append(b, ' ')
		b = appendSlot(b, c.Free)
	}
	return b
}

// candidates takes the rest of the line.
func (c *cursor) candidates() (list []Candidate) {
	for c.more() {
		if c.full(len(list), MaxCandidates) {
			return nil
		}
		list = append(list, Candidate{
			ID:   c.id("a candidate"),
			Name: c.name(),
			Addr: c.addr(),
			Free: int(c.number("its free slots", 0, MaxSlots)),
		})
	}
	return list
}

// A mark is a message id: ORIGIN.SEQ.
func appendMarks(b []byte, marks []Mark) []byte {
	checkLength(len(marks), MaxMarks)
	for _, m := range marks {
		b = append(b, ' ')
		b = appendOrigin(b, m.Origin)
		b = append(b, '.')
		b = appendSeq(b, m.Seq, 0)
	}
	return b
}

func (c *cursor) marks() (list []Mark) {
	for c.more() {
		if c.full(len(list), MaxMarks) {
			return nil
		}
		w := c.word()
		o := max(bytes.LastIndexByte(w, '.'), 0)
		seq, ok := parseNumber(w[min(o+1, len(w)):])
		if !ok || seq > MaxSeq || !isOrigin(w[:o]) {
			c.fail("a mark", "is ORIGIN.SEQ", w)
			return nil
		}
		if list == nil {
			list = make([]Mark, 0, c.count())
		}
		list = append(list, Mark{Origin(c.string()[:o]), seq})
	}
	return list
}

// A range is ORIGIN.FIRST-LAST.
func appendRange(b []byte, r Range) []byte {
	if r.Last < r.First {
		panic("wire: a range that ends before it begins")
	}
	b = append(b, ' ')
	b = appendOrigin(b, r.Origin)
	b = append(b, '.')
	b = appendSeq(b, r.First, 1)
	b = append(b, '-')
	return appendSeq(b, r.Last, 1)
}

func appendRanges(b []byte, ranges []Range) []byte {
	checkLength(len(ranges), MaxMarks)
	for _, r := range ranges {
		b = appendRange(b, r)
	}
	return b
}

func (c *cursor) span() Range {
	w := c.word()
	o := max(bytes.LastIndexByte(w, '.'), 0)
	first, last, _ := bytes.Cut(w[min(o+1, len(w)):], []byte{'-'})
	from, ok0 := parseNumber(first)
	to, ok1 := parseNumber(last)
	if !ok0 || !ok1 || from == 0 || to < from || to > MaxSeq || !isOrigin(w[:o]) {
		c.fail("a range", "is ORIGIN.FIRST-LAST", w)
		return Range{}
	}
	return Range{Origin(c.string()[:o]), from, to}
}

func (c *cursor) ranges() (list []Range) {
	for c.more() {
		if c.full(len(list), MaxMarks) {
			return nil
		}
		if list == nil {
			list = make([]Range, 0, c.count())
		}
		list = append(list, c.span())
	}
	return list
}

// full reports that a list has its most entries and yet another follows, which is a mistake.
func (c *cursor) full(n, most int) bool {
	if n == most {
		c.fail("the list", "is too long", c.line[c.at:])
	}
	return n == most
}

// count bounds how many one-word entries are left, the one taken last included, for allocating once.
func (c *cursor) count() int {
	return min(MaxMarks, 1+bytes.Count(c.line[c.from:], []byte{' '}))
}

// checkLength panics for lists that no decoder would take: to split them is the caller's task.
func checkLength(n, most int) {
	if n > most {
		panic("wire: a list with more entries than one frame may carry")
	}
}
