package wire

import (
	"bytes"
	"strconv"
)

// MaxFrame is the longest frame in bytes: whoever reads into a buffer of this size never needs another.
const MaxFrame = MaxLine + MaxBody + 1

// Decode decodes the frame at the beginning of buf into f and returns how many bytes it has. If buf
// holds only the beginning of a frame, n is 0, err is nil and f says nothing; a line or body over its
// limit is an error as soon as that can be seen, so MaxFrame bytes never ask for more.
//
// An error is an *Error. The connection cannot be read any further after it, n is 0 and f says
// nothing, except that f.Control is a *Hello with nothing but its Version if that is not ours.
//
// A MSG allocates nothing: the slices of f.Msg are parts of buf. Other frames have no part in buf.
// Their IDs, Origins and Names share one copy of the line; to keep few of many for long, clone them.
func Decode(buf []byte, f *Frame) (n int, err error) {
	head := bytes.IndexByte(buf[:min(len(buf), MaxLine)], '\n')
	if head < 0 {
		if len(buf) >= MaxLine {
			*f = Frame{}
			return 0, &Error{ReasonLine, "no newline among " + strconv.Itoa(MaxLine) + " bytes, got " + excerpt(buf)}
		}
		return 0, nil
	}
	var e *Error
	if head > 4 && string(buf[:4]) == "MSG " {
		n, e = decodeMsg(buf, head, f)
	} else {
		n, e = head+1, decodeControl(buf[:head], f)
	}
	if e != nil {
		if e.Reason != ReasonVersion {
			*f = Frame{}
		}
		return 0, e
	}
	return n, nil
}

// decodeControl decodes the line of any frame but MSG.
func decodeControl(line []byte, f *Frame) *Error {
	c := cursor{line: line, text: string(line)}
	verb := c.word()
	*f = Frame{}
	switch string(verb) {
	case "PING":
		f.Verb, f.Control = VerbPing, &Ping{Nonce: c.number("the nonce", 0, 1<<64-1), Slots: c.slots()}
	case "PONG":
		f.Verb, f.Control = VerbPong, &Pong{Nonce: c.number("the nonce", 0, 1<<64-1)}
	case "IHAVE":
		f.Verb, f.Control = VerbIHave, &IHave{Marks: c.marks()}
	case "GRAFT":
		f.Verb, f.Control = VerbGraft, &Graft{Uptime: c.time("the uptime"), Ranges: c.ranges()}
	case "PRUNE":
		f.Verb = VerbPrune
	case "ROOT":
		f.Verb, f.Control = VerbRoot, &Root{ID: c.id("the root"), Seq: c.number("the beacon", 0, MaxSeq)}
	case "HAVE":
		f.Verb, f.Control = VerbHave, &Have{More: c.choice("whether more follows", "more", "last"), Marks: c.marks()}
	case "WANT":
		f.Verb, f.Control = VerbWant, &Want{Uptime: c.time("the uptime"), Ranges: c.ranges()}
	case "GONE":
		f.Verb, f.Control = VerbGone, &Gone{Old: c.choice("why it is gone", "old", "lost"), Range: c.span()}
	case "SHUFFLE":
		f.Verb, f.Control = VerbShuffle, &Shuffle{TTL: int(c.number("the TTL", 0, MaxTTL)), Candidates: c.candidates()}
	case "SHUFFLEREPLY":
		f.Verb, f.Control = VerbShuffleReply, &ShuffleReply{Candidates: c.candidates()}
	case "HELLO":
		return decodeHello(&c, f)
	case "WELCOME":
		f.Verb = VerbWelcome
	case "REFER":
		f.Verb, f.Control = VerbRefer, &Refer{Reason: c.reason(), Candidates: c.candidates()}
	case "CLOSE":
		f.Verb, f.Control = VerbClose, &Close{Reason: c.reason()}
	default:
		return &Error{ReasonVerb, "got " + excerpt(verb)}
	}
	return c.end()
}

// decodeHello stops at another version: what follows it there is that version's affair.
func decodeHello(c *cursor, f *Frame) *Error {
	h := &Hello{Version: c.version()}
	f.Verb, f.Control = VerbHello, h
	if c.err != nil {
		return c.err
	}
	h.ID, h.Name, h.Port = c.id("the id"), c.name(), c.port()
	h.Slots = c.slots()
	h.Root, h.RootSeq = c.root()
	h.Uptime = c.time("the uptime")
	h.Purpose = c.purpose()
	c.context("the context", &h.Context)
	return c.end()
}

// version takes the version, and makes another than ours an error that names both.
func (c *cursor) version() int {
	v := int(c.number("the version", 0, 65535))
	if c.err == nil && v != Version {
		c.err = &Error{ReasonVersion, "version " + strconv.Itoa(v) + ", ours is " + strconv.Itoa(Version)}
	}
	return v
}
