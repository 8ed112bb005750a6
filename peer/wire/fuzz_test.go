package wire

import (
	"bytes"
	"testing"
)

// seeds are the frames of the session in the package comment, and some at or over a border.
func seeds(f *testing.F) [][]byte {
	list := [][]byte{nil}
	for _, s := range []string{
		"\n", "PRUNE \n", "CLOSE goodbye\n", "PONG 18446744073709551615\n", "REFER full\n", "HELLO 2 \n", "PING 01 0/0 0/0\n",
		"MSG 0 1 - " + originA + " 1 1 p - 0\n\n", "MSG 0 1 - " + originA + " 1 1 p - 65536\n",
		"MSG 5 2 " + spanA + " " + originA + " 9 3 p " + ctxA + " 3\na\nb\n",
	} {
		list = append(list, []byte(s))
	}
	session, _ := docSession(f)
	for len(session) > 0 {
		var frame Frame
		n, err := Decode(session, &frame)
		if n == 0 {
			f.Fatalf("Decode(%.100q) = %v", session, err)
		}
		list, session = append(list, session[:n]), session[n:]
	}
	return list
}

// One frame at the beginning of any bytes: all that checkDecode says.
func FuzzFrame(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkDecode(t, data) })
}

// The frames of a handshake, one after the other, however the network cuts them: a reader that gets
// chunk bytes at a time sees the same frames and the same error as one that gets all at once.
func FuzzHandshake(f *testing.F) {
	hello := "HELLO 1 " + idA + " peer-2 49153 0/3 0/6 - 0 812 urgent " + ctxA + "\n"
	f.Add([]byte(hello+"WELCOME\n"), uint8(1))
	f.Add([]byte(hello+"REFER full "+idA+" p 10.0.0.1:49152 4\n"), uint8(7))
	f.Add([]byte(hello+"CLOSE siphoner\n"), uint8(200))
	f.Add([]byte(hello+hello), uint8(31))
	f.Add([]byte("HELLO 2 \nHELLO 1 \n"), uint8(3))
	f.Add([]byte("WELCOME\nPRUNE\nMSG 0 1 - "+originA+" 1 1 p - 3\na\nb\nPONG 7\nCLOSE x\n"), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint8) {
		whole, wholeErr := readAll(stream, len(stream)+1)
		cut, cutErr := readAll(stream, int(chunk)+1)
		if !bytes.Equal(whole, cut) || (wholeErr == nil) != (cutErr == nil) || wholeErr != nil && wholeErr.Error() != cutErr.Error() {
			t.Fatalf("at once %q, %v; in chunks of %d %q, %v", whole, wholeErr, int(chunk)+1, cut, cutErr)
		}
		if !bytes.HasPrefix(stream, whole) {
			t.Fatalf("%q is written again as %q", stream, whole)
		}
	})
}

// readAll decodes stream as a reader does that gets it by chunks, and writes the frames again.
func readAll(stream []byte, chunk int) (frames []byte, err error) {
	var buf []byte
	for len(stream) > 0 {
		n := min(chunk, len(stream))
		buf = append(buf, stream[:n]...)
		stream = stream[n:]
		for {
			var f Frame
			n, err := Decode(buf, &f)
			if err != nil {
				return frames, err
			}
			if n == 0 {
				break
			}
			frames = AppendFrame(frames, &f)
			buf = buf[n:]
		}
	}
	return frames, nil
}

// An announcement that is accepted is written again as it came, and keeps no part of the datagram.
func FuzzAnnouncement(f *testing.F) {
	f.Add([]byte("HEARSAY 1 " + idA + " peer-1 49152 2/3 1/6 " + idA + " 16 seeking " + ctxA))
	f.Add([]byte("HEARSAY 1 " + idA + " p 65535 0/0 255/255 - 0 - -"))
	f.Add([]byte("HEARSAY 1 " + idA + " p 50000 0/3 0/6 " + idA + " 9223372036854775807 leaving -"))
	f.Add([]byte("HEARSAY 2 "))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		buf := bytes.Clone(data)
		a, err := ParseAnnouncement(buf[:len(buf):len(buf)])
		clear(buf)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Reason == "" || !printable(e.Error()) || a != (Announcement{}) {
				t.Fatalf("ParseAnnouncement(%q) = %+v, %#v", data, a, err)
			}
			return
		}
		if again := AppendAnnouncement(nil, a); !bytes.Equal(again, data) {
			t.Fatalf("%q is written again as %q", data, again)
		}
	})
}
