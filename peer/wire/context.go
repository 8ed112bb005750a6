package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strconv"
)

// ContextLen is the length of a traceparent in bytes.
const ContextLen = 55

var errContext = errors.New("a traceparent is 55 characters: 00, 32 and 16 lower-case hex digits that are not all zero, and two more, joined by hyphens")

// NewContext begins a new trace.
func NewContext(r *rand.Rand, sampled bool) Context {
	c := Context{Sampled: sampled}
	binary.BigEndian.PutUint64(c.Trace[:8], r.Uint64())
	binary.BigEndian.PutUint64(c.Trace[8:], nonZero(r))
	binary.BigEndian.PutUint64(c.Span[:], nonZero(r))
	return c
}

// Child is a new span in the trace of c. Of the zero Context it is the zero Context.
func (c Context) Child(r *rand.Rand) Context {
	if !c.Valid() {
		return Context{}
	}
	binary.BigEndian.PutUint64(c.Span[:], nonZero(r))
	return c
}

// nonZero draws from all numbers but zero, which names no span.
func nonZero(r *rand.Rand) uint64 {
	for {
		if n := r.Uint64(); n != 0 {
			return n
		}
	}
}

// ParseContext reads a traceparent, which is never the zero Context. It takes what others make, not
// only what peers send each other: of the flags it keeps sampled and drops the rest, which a traceparent
// with the newer random flag has set. (W3C Trace Context, section 3.2.2.5.2, of other flags: "Vendors
// MUST set those to zero.")
func ParseContext[T string | []byte](s T) (Context, error) {
	var own [ContextLen]byte
	if copy(own[:], s) != len(s) || len(s) != ContextLen {
		return Context{}, errContext
	}
	flags, err := strconv.ParseUint(string(own[53:]), 16, 8)
	own[53], own[54] = '0', '0'|byte(flags&1)
	var c Context
	if err != nil || !isHex([]byte(s[53:])) || !c.parse(own[:]) {
		return Context{}, errContext
	}
	return c, nil
}

// parse is strict: what peers send each other has one form. It fills c in place, since a Context is
// copied by memory and not in registers.
func (c *Context) parse(b []byte) bool {
	if len(b) != ContextLen || string(b[:3]) != "00-" || b[35] != '-' || b[52] != '-' || b[53] != '0' || b[54]&^1 != '0' {
		return false
	}
	t0, ok0 := parseHex16(b[3:])
	t1, ok1 := parseHex16(b[19:])
	span, ok2 := parseHex16(b[36:])
	binary.BigEndian.PutUint64(c.Trace[:8], t0)
	binary.BigEndian.PutUint64(c.Trace[8:], t1)
	binary.BigEndian.PutUint64(c.Span[:], span)
	c.Sampled = b[54] == '1'
	return ok0 && ok1 && ok2 && t0|t1 != 0 && span != 0
}

// parseSpan reads sixteen hex digits, which are not all zero.
func parseSpan(b []byte) (s SpanID, ok bool) {
	if len(b) != 16 {
		return s, false
	}
	n, ok := parseHex16(b)
	binary.BigEndian.PutUint64(s[:], n)
	return s, ok && n != 0
}

// AppendTo appends the traceparent, or a hyphen for a Context that names no span.
func (c Context) AppendTo(b []byte) []byte {
	if !c.Valid() {
		return append(b, '-')
	}
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return append(b, "-01"...)
	}
	return append(b, "-00"...)
}

// AppendText is AppendTo as an encoding.TextAppender. It never fails.
func (c Context) AppendText(b []byte) ([]byte, error) { return c.AppendTo(b), nil }

// String is what AppendTo appends.
func (c Context) String() string { return string(c.AppendTo(make([]byte, 0, ContextLen))) }

// String is the ID as 32 hex digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// String is the ID as 16 hex digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

func appendHex64(b []byte, n uint64) []byte {
	return hex.AppendEncode(b, binary.BigEndian.AppendUint64(nil, n))
}
