package wire

import "strconv"

// Error says why bytes from the network are not what they should be. It ends the connection that
// they came on, with Reason; for a datagram it is counted and forgotten. Its texts are printable,
// whatever was received.
type Error struct {
	Reason Reason // version, line-too-long, body-too-long, unknown-verb or malformed-frame
	Detail string // which field breaks which rule, and what stood there
}

func (e *Error) Error() string { return string(e.Reason) + ": " + e.Detail }

// maxExcerpt is how much of what was received an Error quotes, in bytes: enough to recognize it, too
// little to fill a log.
const maxExcerpt = 40

// excerpt quotes the beginning of what was received.
func excerpt(b []byte) string {
	if len(b) > maxExcerpt {
		return strconv.QuoteToASCII(string(b[:maxExcerpt])) + "..."
	}
	return strconv.QuoteToASCII(string(b))
}
