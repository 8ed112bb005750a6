package wire

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"7", 7, true},
		{"9999999999999999999", 9999999999999999999, true}, // nineteen digits
		{"10000000000000000000", 10000000000000000000, true},
		{"18446744073709551615", math.MaxUint64, true},
		{"18446744073709551616", 0, false},
		{"20000000000000000000", 0, false},
		{"99999999999999999999", 0, false},
		{"100000000000000000000", 0, false},
		{"", 0, false},
		{"00", 0, false},
		{"01", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1 ", 0, false},
		{"1_0", 0, false},
		{"/", 0, false},
		{":", 0, false},
	} {
		got, ok := parseNumber([]byte(test.text))
		if ok != test.ok || ok && got != test.want {
			t.Errorf("parseNumber(%q) = %d, %v; want %d, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

// Eight digits at once are what one after the other would be: every byte in every place.
func TestHex(t *testing.T) {
	for place := range 8 {
		for c := range 256 {
			b := []byte("0123cdef")
			b[place] = byte(c)
			want := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
			x := binary.BigEndian.Uint64(b)
			if got := notHex(x) == 0; got != want {
				t.Fatalf("%q is hex: %v", b, got)
			}
			if n, err := strconv.ParseUint(string(b), 16, 64); want && (err != nil || fromHex(x) != n) {
				t.Fatalf("%q is %x, not %x", b, n, fromHex(x))
			}
			for size := place + 1; size <= 8; size++ {
				if got := isHex(b[:size]); got != want {
					t.Fatalf("isHex(%q) = %v", b[:size], got)
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		n := r.Uint64()
		text := appendHex64(nil, n)
		if got, ok := parseHex16(text); !ok || got != n {
			t.Fatalf("parseHex16(%q) = %x, %v", text, got, ok)
		}
	}
}
