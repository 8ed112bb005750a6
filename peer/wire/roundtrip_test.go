package wire

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// What is encoded is decoded as it was.
func TestControlRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genControl.Draw(t, "frame")
		buf := AppendFrame(nil, &want)
		if len(buf) > MaxLine {
			t.Fatalf("a line of %d bytes: %s", len(buf), buf)
		}
		var got Frame
		n, err := Decode(buf, &got)
		if n != len(buf) || err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Decode(%q) = %d, %v, %+v; want %+v", buf, n, err, got.Control, want.Control)
		}
		checkDecode(t, buf)
	})
}

func TestMsgRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Msg{
			Age:       genTime.Draw(t, "age"),
			Hops:      rapid.IntRange(1, MaxHops).Draw(t, "hops"),
			Span:      genContext.Draw(t, "hop").Span,
			Origin:    []byte(genOrigin.Draw(t, "origin")),
			Seq:       genSeq.Draw(t, "seq"),
			Name:      []byte(genName.Draw(t, "name")),
			Publisher: genContext.Draw(t, "publisher"),
			Body:      rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"),
		}
		want.Low = rapid.Uint64Range(1, want.Seq).Draw(t, "low")
		want.Tail = AppendMsgTail(nil, Origin(want.Origin), want.Seq, want.Low, string(want.Name), want.Publisher, want.Body)
		head := AppendMsgHead(nil, want.Age, want.Hops, want.Span)
		buf := append(head, want.Tail...)
		var got Frame
		n, err := Decode(buf, &got)
		if n != len(buf) || err != nil || got.Verb != VerbMsg || !reflect.DeepEqual(got.Msg, want) {
			t.Fatalf("Decode(%q) = %d, %v, %+v; want %+v", buf, n, err, got.Msg, want)
		}
		checkDecode(t, buf)
	})
}

func TestAnnouncementRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genAnnouncement.Draw(t, "announcement")
		buf := AppendAnnouncement(nil, want)
		if len(buf) > MaxAnnouncement || bytes.ContainsAny(buf, "\r\n") {
			t.Fatalf("not a line of at most %d bytes: %q", MaxAnnouncement, buf)
		}
		got, err := ParseAnnouncement(buf)
		if err != nil || got != want {
			t.Fatalf("ParseAnnouncement(%q) = %+v, %v; want %+v", buf, got, err, want)
		}
	})
}

// tester is what a test and a rapid check have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkDecode holds for any bytes whatever: what Decode says of them, it says of every buffer that
// they begin and of none that is shorter; and what it accepts is written again as it came.
func checkDecode(t tester, data []byte) {
	t.Helper()
	buf := bytes.Clone(data)
	buf = buf[:len(buf):len(buf)] // to look past the end is to panic
	var f Frame
	n, err := Decode(buf, &f)
	if !bytes.Equal(buf, data) {
		t.Fatalf("Decode wrote into %q", data)
	}
	if err != nil {
		e, ok := err.(*Error)
		if !ok || n != 0 || e.Reason == "" || e.Detail == "" || len(e.Detail) > 300 || !printable(e.Error()) {
			t.Fatalf("Decode(%q) = %d, %#v", data, n, err)
		}
		checkSplits(t, buf, len(buf), n, err)
		return
	}
	if n == 0 {
		if len(data) >= MaxFrame || f.Verb != VerbNone {
			t.Fatalf("Decode(%q) wants more", data)
		}
		return
	}
	if n < 0 || n > len(data) {
		t.Fatalf("Decode(%q) took %d of %d bytes", data, n, len(data))
	}
	if f.Verb == VerbMsg {
		m := f.Msg
		if cap(m.Tail) != len(m.Tail) || cap(m.Body) != len(m.Body) || !bytes.HasSuffix(buf[:n], m.Tail) || !bytes.HasSuffix(m.Tail, append(bytes.Clone(m.Body), '\n')) {
			t.Fatalf("Decode(%q): tail %q, body %q", data, m.Tail, m.Body)
		}
	} else {
		clear(buf) // a control frame has no part in the buffer
	}
	if again := AppendFrame(nil, &f); !bytes.Equal(again, data[:n]) {
		t.Fatalf("Decode(%q) is written again as %q", data[:n], again)
	}
	checkSplits(t, bytes.Clone(data), n, n, nil)
}

// checkSplits checks that every beginning of buf that is shorter than size asks for more or says what
// the whole says, and that once it has been said it stays so.
func checkSplits(t tester, buf []byte, size, wantN int, wantErr error) {
	t.Helper()
	said := false
	for end := 0; end <= len(buf); end++ {
		if len(buf) > 400 && end > 300 && end < size-50 && end < MaxLine-50 {
			continue // the middle of long bodies is all alike, and fuzzing must be quick
		}
		if end > MaxLine+50 && end < size-50 {
			continue
		}
		var f Frame
		n, err := Decode(buf[:end:end], &f)
		switch {
		case n == 0 && err == nil:
			if said || end >= size {
				t.Fatalf("Decode of the first %d bytes of %q wants more", end, buf)
			}
			if f.Verb != VerbNone || f.Control != nil {
				t.Fatalf("Decode of the first %d bytes of %q wants more, and fills the frame", end, buf)
			}
		case n != wantN || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error():
			t.Fatalf("Decode of the first %d bytes of %q = %d, %v; of all %d, %v", end, buf, n, err, wantN, wantErr)
		default:
			said = true
		}
	}
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
