package wire

import "strconv"

// AppendAnnouncement appends a as one line without a newline, at most MaxAnnouncement bytes. It panics
// as the encoders of frames do. A peer that leaves seeks nothing.
func AppendAnnouncement(b []byte, a Announcement) []byte {
	b = append(b, "HEARSAY "...)
	b = appendNumber(b, Version)
	b = append(b, ' ')
	b = appendSelf(b, a.ID, a.Name, a.Port, a.Slots, a.Root, a.RootSeq)
	switch {
	case a.Leaving:
		b = append(b, " leaving "...)
	case a.Seeking:
		b = append(b, " seeking "...)
	default:
		b = append(b, " - "...)
	}
	return a.Context.AppendTo(b)
}

// ParseAnnouncement reads what AppendAnnouncement wrote. An error is an *Error. The result has no part
// in b; its strings share one copy of the line.
func ParseAnnouncement(b []byte) (Announcement, error) {
	if len(b) > MaxAnnouncement {
		return Announcement{}, &Error{ReasonLine, "an announcement of " + strconv.Itoa(len(b)) + " bytes, got " + excerpt(b)}
	}
	c := cursor{line: b, text: string(b)}
	if w := c.word(); string(w) != "HEARSAY" {
		return Announcement{}, &Error{ReasonVerb, "an announcement begins with HEARSAY, got " + excerpt(w)}
	}
	if c.version(); c.err != nil {
		return Announcement{}, c.err
	}
	a := Announcement{ID: c.id("the id"), Name: c.name(), Port: c.port(), Slots: c.slots()}
	a.Root, a.RootSeq = c.root()
	if !c.absent() {
		a.Leaving = c.choice("the state", "leaving", "seeking")
		a.Seeking = !a.Leaving
	}
	c.context("the context", &a.Context)
	if err := c.end(); err != nil {
		return Announcement{}, err
	}
	return a, nil
}
