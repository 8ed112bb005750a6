package wire

import (
	"encoding/hex"
	"time"
)

// AppendMsgHead appends the front of a MSG frame, which is written anew at every hop: the verb, the
// message's age when it leaves here, how many links it will have travelled when it arrives, and the
// span of this hop, or the zero SpanID. The frame is complete with the tail that AppendMsgTail made,
// or that came as Msg.Tail.
func AppendMsgHead(b []byte, age time.Duration, hops int, span SpanID) []byte {
	if hops < 1 {
		panic("wire: a message has travelled one link at least when it arrives")
	}
	b = append(b, "MSG "...)
	b = appendTime(b, age)
	b = append(b, ' ')
	b = appendNumber(b, uint64(min(hops, MaxHops)))
	if span == (SpanID{}) {
		return append(b, " - "...)
	}
	b = append(b, ' ')
	b = hex.AppendEncode(b, span[:])
	return append(b, ' ')
}

// AppendMsgTail appends the rest of a MSG frame, which is the same at every hop. It panics if body is
// over MaxBody, if seq is not from 1 to MaxSeq or low not from 1 to seq.
func AppendMsgTail(b []byte, origin Origin, seq, low uint64, name string, publisher Context, body []byte) []byte {
	if len(body) > MaxBody {
		panic("wire: a body over MaxBody")
	}
	if low > seq {
		panic("wire: an origin keeps the message that it publishes")
	}
	b = appendOrigin(b, origin)
	b = append(b, ' ')
	b = appendSeq(b, seq, 1)
	b = append(b, ' ')
	b = appendSeq(b, low, 1)
	b = append(b, ' ')
	b = appendName(b, name)
	b = append(b, ' ')
	b = publisher.AppendTo(b)
	b = append(b, ' ')
	b = appendNumber(b, uint64(len(body)))
	b = append(b, '\n')
	b = append(b, body...)
	return append(b, '\n')
}

// decodeMsg decodes a MSG frame whose header line is buf[:head], without its newline. It fills f.Msg
// with parts of buf and allocates nothing.
func decodeMsg(buf []byte, head int, f *Frame) (int, *Error) {
	c := cursor{line: buf[:head], at: len("MSG ")}
	m := &f.Msg // written in place, since it is large
	m.Age = c.time("the age")
	m.Hops = int(c.number("the hops", 1, MaxHops))
	m.Span = SpanID{}
	if !c.absent() {
		w := c.word()
		span, ok := parseSpan(w)
		if !ok {
			c.fail("the span", "is 16 lower-case hex digits or a hyphen", w)
		}
		m.Span = span
	}
	tail := c.at
	if m.Origin = c.word(); !isOrigin(m.Origin) {
		c.fail("the origin", "is an id, a dot and an epoch", m.Origin)
	}
	m.Seq = c.number("the sequence number", 1, MaxSeq)
	m.Low = c.number("the lowest kept", 1, m.Seq)
	if m.Name = c.word(); !isName(m.Name) {
		c.fail("the name", "is 1 to 63 printable characters", m.Name)
	}
	c.context("the publisher's context", &m.Publisher)
	w := c.word()
	size, ok := parseNumber(w)
	if !ok {
		c.fail("the length", "is a number", w)
	}
	if err := c.end(); err != nil {
		return 0, err
	}
	if size > MaxBody {
		return 0, &Error{ReasonBody, "a body of " + string(w) + " bytes"}
	}
	body := head + 1
	end := body + int(size)
	if len(buf) <= end {
		return 0, nil
	}
	if buf[end] != '\n' {
		return 0, &Error{ReasonFrame, "a body of " + string(w) + " bytes ends with a newline, got " + excerpt(buf[end:end+1])}
	}
	// The capacities end where the slices end: appending to one must not write over the next frame.
	m.Tail = buf[tail : end+1 : end+1]
	m.Body = buf[body:end:end]
	f.Verb, f.Control = VerbMsg, nil
	return end + 1, nil
}
