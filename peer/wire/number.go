package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"time"
)

// Limits of numbers.
const (
	// MaxSeq is the highest sequence number: one more still fits a uint64, so that nobody who counts on
	// from what the network said wraps around to zero.
	MaxSeq = math.MaxInt64
	// MaxTime is the longest age or uptime, twelve digits of milliseconds, about 31 years; what is
	// longer is said as MaxTime, what is negative as zero.
	MaxTime = 999_999_999_999 * time.Millisecond
	// MaxHops is the highest hop count; what is more is said as MaxHops.
	MaxHops = 9999
	// MaxSlots is the highest of each of the numbers in Slots and of Candidate.Free; what is more is said
	// as MaxSlots.
	MaxSlots = 255
	// MaxTTL is the longest walk of a Shuffle: HyParView's active random walk length (section 5.1).
	MaxTTL = 6
)

// parseNumber reads a canonical decimal: digits only, no leading zero, within a uint64.
func parseNumber(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for i, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if i == 19 { // only the twentieth digit can overflow
			high, low := bits.Mul64(n, 10)
			sum, carry := bits.Add64(low, d, 0)
			return sum, high == 0 && carry == 0
		}
		n = n*10 + d
	}
	return n, true
}

func appendNumber(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

// appendTime writes whole milliseconds.
func appendTime(b []byte, d time.Duration) []byte {
	return appendNumber(b, uint64(min(max(d, 0), MaxTime)/time.Millisecond))
}

// parseHex8 reads eight lower-case hex digits at once; b must be that long. It treats the eight bytes
// of a word side by side, since on the way of every message some hundred digits are looked at.
func parseHex8(b []byte) (v uint32, ok bool) {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	x := binary.BigEndian.Uint64(b)
	// A byte below 0x80 plus 0x80-k has its high bit set exactly if it is at least k, and does not carry
	// into its neighbor.
	x7 := x &^ high
	digit := (x7 + (0x80-'0')*ones) &^ (x7 + (0x80-'9'-1)*ones) & high
	letter := (x7 + (0x80-'a')*ones) &^ (x7 + (0x80-'f'-1)*ones) & high
	ok = (digit|letter)&^x == high
	x = x&(0x0f*ones) + letter>>7*9 // 'a' is 0x61, and 1+9 is ten
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16), ok
}

// isHex reports whether b is lower-case hex digits only.
func isHex(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if _, ok := parseHex8(b); !ok {
			return false
		}
	}
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}
