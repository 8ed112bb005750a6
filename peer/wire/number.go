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

// On the way of every message some hundred hex digits are looked at, so they are taken by eight, the
// bytes of a word side by side.
const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// notHex is zero if the eight bytes in x are lower-case hex digits. A byte below 0x80 plus 0x80-k has
// its high bit set exactly if it is at least k, and carries nothing to its neighbor.
func notHex(x uint64) uint64 {
	x7 := x &^ high
	digit := (x7 + (0x80-'0')*ones) &^ (x7 + (0x80-'9'-1)*ones)
	letter := (x7 + (0x80-'a')*ones) &^ (x7 + (0x80-'f'-1)*ones)
	return high &^ ((digit | letter) &^ x)
}

// fromHex is the number that the eight hex digits in x write; nonsense if notHex is not zero.
func fromHex(x uint64) uint64 {
	x = x&(0x0f*ones) + x>>6&ones*9 // of the hex digits, letters alone have 0x40 set; 'a' is 0x61, and 1+9 is ten
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0xffffffff
}

// parseHex16 reads sixteen lower-case hex digits; b must be that long.
func parseHex16(b []byte) (n uint64, ok bool) {
	x, y := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	return fromHex(x)<<32 | fromHex(y), notHex(x)|notHex(y) == 0
}

// isHex reports whether b is lower-case hex digits only.
func isHex(b []byte) bool {
	var bad uint64
	for ; len(b) >= 8; b = b[8:] {
		bad |= notHex(binary.BigEndian.Uint64(b))
	}
	if len(b) > 0 { // fill up with a digit
		x := uint64('0' * ones)
		for _, c := range b {
			x = x<<8 | uint64(c)
		}
		bad |= notHex(x)
	}
	return bad == 0
}
