package wire

import (
	"errors"
	"strings"
	"testing"
)

const (
	idA     = "0b7c9d2e51f04a68b3c7d2e9f0a1b2c3"
	originA = idA + ".18e1f3a9c55"
	ctxA    = "00-c8d04605312f8088cbedc0dcb63ac19a-3bf98798cae97950-01"
	spanA   = "7a11c0ffee5eed01"
)

// Each row breaks one rule of the grammar in doc.go.
func TestDecodeRefuses(t *testing.T) {
	hello := func(old, new string) string {
		return strings.Replace("HELLO 1 "+idA+" peer-1 49152 2/3 1/6 "+idA+" 17 35410 urgent "+ctxA+"\n", old, new, 1)
	}
	msg := func(old, new string) string {
		return strings.Replace("MSG 310 1 "+spanA+" "+originA+" 4 2 peer-1 "+ctxA+" 2\nhi\n", old, new, 1)
	}
	refer := func(old, new string) string {
		return strings.Replace("REFER full "+idA+" peer-1 10.0.0.1:49152 4\n", old, new, 1)
	}
	six := strings.Repeat(" "+idA+" p 10.0.0.1:49152 4", MaxCandidates)
	ten := strings.Repeat(" "+originA+".1", MaxMarks)
	for _, test := range []struct {
		rule, frame string
		want        Reason
	}{
		{"a line has a verb", "\n", ReasonVerb},
		{"a known one", "PIN 1 0/0 0/0\n", ReasonVerb},
		{"in upper case", "ping 1 0/0 0/0\n", ReasonVerb},
		{"also of other protocols", "GET / HTTP/1.1\r\n", ReasonVerb},
		{"no leading space", " PRUNE\n", ReasonVerb},
		{"no trailing space", "PRUNE \n", ReasonFrame},
		{"no carriage return", "PRUNE\r\n", ReasonVerb},
		{"nor elsewhere", "PONG 1\r\n", ReasonFrame},
		{"no tab", "PONG\t1\n", ReasonVerb},
		{"no double space", "PONG  1\n", ReasonFrame},
		{"no NUL", "PONG 1\x00\n", ReasonFrame},
		{"no word too many", "PONG 1 2\n", ReasonFrame},
		{"no word too few", "PONG\n", ReasonFrame},
		{"a line ends within its limit", strings.Repeat("x", MaxLine), ReasonLine},
		{"newline included", strings.Repeat("x", MaxLine) + "\n", ReasonLine},
		{"at its limit it is a line", strings.Repeat("x", MaxLine-1) + "\n", ReasonVerb},

		{"no leading zero", "PONG 01\n", ReasonFrame},
		{"no sign", "PONG +1\n", ReasonFrame},
		{"no minus", "PONG -1\n", ReasonFrame},
		{"no hyphen for a number", "PONG -\n", ReasonFrame},
		{"no hex", "PONG 0x1\n", ReasonFrame},
		{"no point", "PONG 1.0\n", ReasonFrame},
		{"no overflow", "PONG 18446744073709551616\n", ReasonFrame},
		{"however long", "PONG 118446744073709551616\n", ReasonFrame},

		{"another version is named", "HELLO 2 whatever\x01\t may follow\n", ReasonVersion},
		{"even with nothing after it", "HELLO 0\n", ReasonVersion},
		{"a version is a number", "HELLO one\n", ReasonFrame},
		{"of five digits", "HELLO 65536\n", ReasonFrame},
		{"an id has 32 digits", hello(idA, idA[1:]), ReasonFrame},
		{"not 33", hello(idA, idA+"0"), ReasonFrame},
		{"in lower case", hello(idA, strings.ToUpper(idA)), ReasonFrame},
		{"of hex", hello("0b7c", "0b7g"), ReasonFrame},
		{"a name is there", hello("peer-1", ""), ReasonFrame},
		{"and is not a hyphen", hello("peer-1", "-"), ReasonFrame},
		{"in ASCII", hello("peer-1", "pe\xc3\xa9r"), ReasonFrame},
		{"without DEL", hello("peer-1", "peer\x7f"), ReasonFrame},
		{"of at most 63 bytes", hello("peer-1", strings.Repeat("x", 64)), ReasonFrame},
		{"a peer listens from 49152 up", hello("49152", "49151"), ReasonFrame},
		{"to 65535", hello("49152", "65536"), ReasonFrame},
		{"slots are pairs", hello("2/3", "2"), ReasonFrame},
		{"with a slash", hello("2/3", "2:3"), ReasonFrame},
		{"of two", hello("2/3", "2/3/4"), ReasonFrame},
		{"up to 255", hello("2/3", "2/256"), ReasonFrame},
		{"an absent root has no beacon", hello(idA+" 17", "- 17"), ReasonFrame},
		{"a root has one", hello(idA+" 17", idA+" -"), ReasonFrame},
		{"a beacon counts to 2^63-1", hello("17", "9223372036854775808"), ReasonFrame},
		{"an uptime has twelve digits", hello("35410", "1000000000000"), ReasonFrame},
		{"a purpose is known", hello("urgent", "urgently"), ReasonFrame},
		{"a context is of version 00", hello(ctxA, "01"+ctxA[2:]), ReasonFrame},
		{"no flags but sampled", hello(ctxA, ctxA[:53]+"03"), ReasonFrame},
		{"no trace of zeros", hello(ctxA, "00-"+strings.Repeat("0", 32)+ctxA[35:]), ReasonFrame},
		{"no span of zeros", hello(ctxA, ctxA[:36]+strings.Repeat("0", 16)+"-01"), ReasonFrame},
		{"no upper case", hello(ctxA, strings.ToUpper(ctxA)), ReasonFrame},
		{"nothing after it", hello(ctxA, ctxA+"-00"), ReasonFrame},
		{"not empty", hello(ctxA, ""), ReasonFrame},

		{"an address is canonical", refer("10.0.0.1:49152", "10.0.0.01:49152"), ReasonFrame},
		{"also its port", refer("10.0.0.1:49152", "10.0.0.1:049152"), ReasonFrame},
		{"of IPv6 too", refer("10.0.0.1:49152", "[2001:DB8::1]:49152"), ReasonFrame},
		{"not IPv4 in IPv6", refer("10.0.0.1:49152", "[::ffff:10.0.0.1]:49152"), ReasonFrame},
		{"without a zone", refer("10.0.0.1:49152", "[fe80::1%eth0]:49152"), ReasonFrame},
		{"not unspecified", refer("10.0.0.1:49152", "0.0.0.0:49152"), ReasonFrame},
		{"not multicast", refer("10.0.0.1:49152", "239.255.77.77:49152"), ReasonFrame},
		{"not a name", refer("10.0.0.1:49152", "localhost:49152"), ReasonFrame},
		{"with a port", refer("10.0.0.1:49152", "10.0.0.1"), ReasonFrame},
		{"that is not zero", refer("10.0.0.1:49152", "10.0.0.1:0"), ReasonFrame},
		{"a candidate is whole", refer(" 4\n", "\n"), ReasonFrame},
		{"has few free slots", refer(" 4\n", " 256\n"), ReasonFrame},
		{"a reason is known", refer("full", "fully"), ReasonFrame},
		{"six candidates at most", "REFER full" + six + " " + idA + " p 10.0.0.1:49152 4\n", ReasonFrame},
		{"also in a shuffle", "SHUFFLE 1" + six + " " + idA + " p 10.0.0.1:49152 4\n", ReasonFrame},
		{"a walk is short", "SHUFFLE 7\n", ReasonFrame},

		{"ten marks at most", "IHAVE" + ten + " " + originA + ".1\n", ReasonFrame},
		{"a mark has a number", "IHAVE " + originA + "\n", ReasonFrame},
		{"not a range", "IHAVE " + originA + ".1-2\n", ReasonFrame},
		{"and an epoch", "IHAVE " + idA + ".1\n", ReasonFrame},
		{"without leading zeros", "IHAVE " + idA + ".018e.1\n", ReasonFrame},
		{"not empty", "IHAVE " + idA + "..1\n", ReasonFrame},
		{"of 16 digits at most", "IHAVE " + idA + ".1" + strings.Repeat("0", 16) + ".1\n", ReasonFrame},
		{"no empty mark", "IHAVE \n", ReasonFrame},
		{"a range has two ends", "GRAFT 1 " + originA + ".1\n", ReasonFrame},
		{"in order", "GRAFT 1 " + originA + ".2-1\n", ReasonFrame},
		{"from 1", "GRAFT 1 " + originA + ".0-1\n", ReasonFrame},
		{"two, not three", "GRAFT 1 " + originA + ".1-2-3\n", ReasonFrame},
		{"to 2^63-1", "GRAFT 1 " + originA + ".1-9223372036854775808\n", ReasonFrame},
		{"more or last", "HAVE " + originA + ".1\n", ReasonFrame},
		{"old or lost", "GONE new " + originA + ".1-2\n", ReasonFrame},
		{"one range", "GONE old " + originA + ".1-2 " + originA + ".1-2\n", ReasonFrame},

		{"an age has twelve digits", msg("310", "1000000000000"), ReasonFrame},
		{"a message has travelled", msg("310 1", "310 0"), ReasonFrame},
		{"not too far", msg("310 1", "310 10000"), ReasonFrame},
		{"a span has 16 digits", msg(spanA, spanA[1:]), ReasonFrame},
		{"not all zero", msg(spanA, "0000000000000000"), ReasonFrame},
		{"an origin has an epoch", msg(originA, idA), ReasonFrame},
		{"messages are numbered from 1", msg("4 2", "0 0"), ReasonFrame},
		{"the lowest kept is not above", msg("4 2", "4 5"), ReasonFrame},
		{"and not zero", msg("4 2", "4 0"), ReasonFrame},
		{"a length is there", msg(" 2\n", "\n"), ReasonFrame},
		{"a number", msg(" 2\n", " 2x\n"), ReasonFrame},
		{"the last word", msg(" 2\n", " 2 2\n"), ReasonFrame},
		{"of at most 64 KiB", msg(" 2\n", " 65537\n"), ReasonBody},
		{"a body ends with a newline", msg("hi\n", "hi!"), ReasonFrame},
		{"also an empty one", msg(" 2\n", " 0\n"), ReasonFrame},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var f Frame
			n, err := Decode([]byte(test.frame), &f)
			var e *Error
			if !errors.As(err, &e) || e.Reason != test.want {
				t.Fatalf("Decode(%.200q) = %d, %v; want %s", test.frame, n, err, test.want)
			}
			checkDecode(t, []byte(test.frame))
		})
	}
}

// The refusal of another version names both, and the frame says which it was.
func TestDecodeOtherVersion(t *testing.T) {
	var f Frame
	_, err := Decode([]byte("HELLO 7 and so on\n"), &f)
	if err == nil || err.Error() != "version: version 7, ours is 1" {
		t.Errorf("got error %v", err)
	}
	if h, ok := f.Control.(*Hello); !ok || h.Version != 7 {
		t.Errorf("got %+v, want a Hello with version 7", f.Control)
	}
	if _, err := ParseAnnouncement([]byte("HEARSAY 7 and so on")); err == nil || err.Error() != "version: version 7, ours is 1" {
		t.Errorf("got error %v of an announcement", err)
	}
}

// A length over the limit is refused before any of the body is there, and a long line before its end.
func TestDecodeRefusesAtOnce(t *testing.T) {
	var f Frame
	if _, err := Decode([]byte("MSG 0 1 - "+originA+" 1 1 p - 4000000000\n"), &f); err == nil {
		t.Error("a body of 4 GB is waited for")
	}
	if _, err := Decode([]byte(strings.Repeat("PING 1 ", MaxLine)), &f); err == nil {
		t.Error("an endless line is waited for")
	}
}

func TestAnnouncementRefuses(t *testing.T) {
	good := "HEARSAY 1 " + idA + " peer-1 49152 2/3 1/6 " + idA + " 16 seeking " + ctxA
	if _, err := ParseAnnouncement([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		rule, line string
		want       Reason
	}{
		{"not empty", "", ReasonVerb},
		{"begins with its word", strings.ToLower(good), ReasonVerb},
		{"no newline", good + "\n", ReasonFrame},
		{"no word more", good + " x", ReasonFrame},
		{"a known state", strings.Replace(good, "seeking", "sought", 1), ReasonFrame},
		{"one state", strings.Replace(good, "seeking", "seeking leaving", 1), ReasonFrame},
		{"512 bytes at most", good + strings.Repeat(" ", 512), ReasonLine},
	} {
		t.Run(test.rule, func(t *testing.T) {
			_, err := ParseAnnouncement([]byte(test.line))
			var e *Error
			if !errors.As(err, &e) || e.Reason != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
