package wire

import (
	"bytes"
	"net/netip"
	"strconv"
	"time"
)

// cursor walks over the words of one line. After the first field that does not parse, every further
// one is zero and the first mistake is kept, so that a decoder reads straight down and asks once, at
// the end.
//
// Every byte of a line belongs to a field that checks it; so no byte that is not printable, no tab
// and no double space can get through.
type cursor struct {
	line []byte // without its newline
	text string // a copy of line, of which IDs and names are parts; empty where none are wanted
	from int    // where the word taken last begins
	at   int    // where the next word begins; beyond len(line) when there is none
	err  *Error
}

// more reports whether a word is left.
func (c *cursor) more() bool { return c.at <= len(c.line) && c.err == nil }

// word takes the next word, without looking at its bytes. It is empty when there is none.
func (c *cursor) word() []byte {
	if c.at > len(c.line) {
		c.from = len(c.line)
		return nil
	}
	c.from = c.at
	rest := c.line[c.at:]
	if i := bytes.IndexByte(rest, ' '); i >= 0 {
		rest = rest[:i]
	}
	c.at += len(rest) + 1
	return rest
}

// string is the word taken last as part of the line's one copy.
func (c *cursor) string() string { return c.text[c.from : c.at-1] }

// fail keeps the first mistake.
func (c *cursor) fail(field, rule string, word []byte) {
	if c.err == nil {
		c.err = &Error{ReasonFrame, field + " " + rule + ", got " + excerpt(word)}
	}
}

// end is the first mistake; a word too many is one.
func (c *cursor) end() *Error {
	if c.more() {
		c.fail("the line", "has too many words", c.line[c.at:])
	}
	return c.err
}

// number takes a number between least and most.
func (c *cursor) number(field string, least, most uint64) uint64 {
	// Most numbers are short: reading digits up to the space is cheaper than looking for the space
	// first. Up to 19 digits cannot overflow; whatever is not so simple falls through.
	var n uint64
	i := c.at
	for end := min(c.at+19, len(c.line)); i < end; i++ {
		d := c.line[i] - '0'
		if d > 9 {
			break
		}
		n = n*10 + uint64(d)
	}
	if i > c.at && (i == len(c.line) || c.line[i] == ' ') && (c.line[c.at] != '0' || i == c.at+1) && n >= least && n <= most {
		c.from, c.at = c.at, i+1
		return n
	}
	w := c.word()
	n, ok := parseNumber(w)
	if !ok || n < least || n > most {
		c.failNumber(field, least, most, w)
		return 0
	}
	return n
}

func (c *cursor) failNumber(field string, least, most uint64, word []byte) {
	c.fail(field, "is a number from "+strconv.FormatUint(least, 10)+" to "+strconv.FormatUint(most, 10), word)
}

// time takes whole milliseconds.
func (c *cursor) time(field string) time.Duration {
	return time.Duration(c.number(field, 0, uint64(MaxTime/time.Millisecond))) * time.Millisecond
}

func (c *cursor) id(field string) ID {
	if w := c.word(); !isID(w) {
		c.fail(field, "is 32 lower-case hex digits", w)
		return ""
	}
	return ID(c.string())
}

// root takes a root and its beacon's number, which is zero while there is no root.
func (c *cursor) root() (id ID, seq uint64) {
	if c.absent() {
		return "", c.number("the absent root's beacon", 0, 0)
	}
	id = c.id("the root")
	return id, c.number("the root's beacon", 0, MaxSeq)
}

// absent takes the next word if it is a hyphen.
func (c *cursor) absent() bool {
	rest := c.line[min(c.at, len(c.line)):]
	if len(rest) == 0 || rest[0] != '-' || len(rest) > 1 && rest[1] != ' ' {
		return false
	}
	c.word()
	return true
}

func (c *cursor) name() string {
	if w := c.word(); !isName(w) {
		c.fail("the name", "is 1 to 63 printable characters", w)
		return ""
	}
	return c.string()
}

func (c *cursor) port() uint16 { return uint16(c.number("the port", MinPort, 65535)) }

// pair takes two numbers with a separator between, such as 3/6.
func (c *cursor) pair(field string) (int, int) {
	w := c.word()
	left, right, found := bytes.Cut(w, []byte{'/'})
	l, ok0 := parseNumber(left)
	r, ok1 := parseNumber(right)
	if !found || !ok0 || !ok1 || l > MaxSlots || r > MaxSlots {
		c.fail(field, "is two numbers up to 255 with a slash between", w)
		return 0, 0
	}
	return int(l), int(r)
}

func (c *cursor) slots() (s Slots) {
	s.Out, s.Links = c.pair("out/links")
	s.In, s.Serve = c.pair("in/serve")
	return s
}

// context fills ctx.
func (c *cursor) context(field string, ctx *Context) {
	*ctx = Context{}
	if w := c.word(); !(len(w) == 1 && w[0] == '-') && !ctx.parse(w) {
		c.fail(field, "is a traceparent or a hyphen", w)
	}
}

func (c *cursor) purpose() Purpose {
	w := c.word()
	for p, text := range purposes {
		if string(w) == text {
			return Purpose(p)
		}
	}
	c.fail("the purpose", "is link, urgent, bridge, probe or verify", w)
	return 0
}

func (c *cursor) reason() Reason {
	w := c.word()
	for _, r := range reasons {
		if string(w) == string(r) {
			return r
		}
	}
	c.fail("the reason", "is one of a known set", w)
	return ""
}

// choice takes one of two words and reports whether it was the first.
func (c *cursor) choice(field, yes, no string) bool {
	w := c.word()
	if string(w) != yes && string(w) != no {
		c.fail(field, "is "+yes+" or "+no, w)
	}
	return string(w) == yes
}

func (c *cursor) addr() netip.AddrPort {
	w := c.word()
	var canonical [64]byte
	addr, err := netip.ParseAddrPort(c.string())
	if err != nil || !sendable(addr) || string(addr.AppendTo(canonical[:0])) != string(w) {
		c.fail("the address", "is ip:port that others can dial", w)
		return netip.AddrPort{}
	}
	return addr
}
