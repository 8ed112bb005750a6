package wire

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	id := NewID(r)
	if got, err := ParseID(string(id)); got != id || err != nil {
		t.Errorf("ParseID(%q) = %q, %v", id, got, err)
	}
	if id == NewID(r) || id != NewID(rand.New(rand.NewPCG(1, 2))) {
		t.Error("ids are drawn from r and from nothing else")
	}
	for _, bad := range []string{"", "x", string(id[1:]), string(id) + "0", strings.ToUpper(string(id[:31])) + "F"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) succeeds", bad)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for _, epoch := range []uint64{0, 1, 0x18e1f3a9c55, math.MaxUint64} {
		o := NewOrigin(idA, epoch)
		if o.ID() != idA || !isOrigin([]byte(o)) {
			t.Errorf("origin %q of %q", o, o.ID())
		}
		for _, seq := range []uint64{1, MaxSeq} {
			id := MessageID(o, seq)
			if gotO, gotSeq, err := ParseMessageID(id); gotO != o || gotSeq != seq || err != nil {
				t.Errorf("ParseMessageID(%q) = %q, %d, %v", id, gotO, gotSeq, err)
			}
		}
	}
	for _, bad := range []string{"", ".", idA, originA, originA + ".", originA + ".0", originA + ".01", originA + ".-1",
		originA + ".9223372036854775808", idA + ".00.1", idA + "..1", idA + ".G.1", originA + ".1 ", " " + originA + ".1"} {
		if o, seq, err := ParseMessageID(bad); err == nil {
			t.Errorf("ParseMessageID(%q) = %q, %d", bad, o, seq)
		}
	}
}

func TestNames(t *testing.T) {
	for given, want := range map[string]string{
		"peer-3":                  "peer-3",
		"":                        "peer",
		"-":                       "peer",
		" \t\n":                   "peer",
		"Anna's Mac":              "Anna's-Mac",
		"Zoë":                     "Zo-",
		"a\xffb\x00c":             "a-b-c",
		"\x1b[31mred":             "-[31mred",
		strings.Repeat("é", 100):  "peer",
		strings.Repeat("ab", 100): strings.Repeat("ab", 100)[:MaxName],
	} {
		got := SanitizeName(given)
		if got != want {
			t.Errorf("SanitizeName(%q) = %q, want %q", given, got, want)
		}
		if err := CheckName(got); err != nil {
			t.Errorf("SanitizeName(%q) = %q: %v", given, got, err)
		}
		if given != want && CheckName(given) == nil {
			t.Errorf("CheckName(%q) finds nothing", given)
		}
	}
}

func TestContexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := NewContext(r, true)
	child := c.Child(r)
	if !c.Valid() || !child.Valid() || child.Trace != c.Trace || child.Span == c.Span || !child.Sampled {
		t.Errorf("%v has the child %v", c, child)
	}
	if NewContext(r, false).Child(r).Sampled {
		t.Error("a child is sampled as its parent is")
	}
	if (Context{}).Child(r).Valid() {
		t.Error("no context has a child")
	}
	if got, err := ParseContext(c.String()); got != c || err != nil {
		t.Errorf("ParseContext(%v) = %v, %v", c, got, err)
	}
	if b, err := c.AppendText([]byte("x")); string(b) != "x"+c.String() || err != nil {
		t.Errorf("AppendText of %v: %q, %v", c, b, err)
	}
	if c.String() != "00-"+c.Trace.String()+"-"+c.Span.String()+"-01" {
		t.Errorf("%v of %v and %v", c, c.Trace, c.Span)
	}
	if s := (Context{Trace: c.Trace}).String(); s != "-" {
		t.Errorf("a context without a span is %q", s)
	}
	for flags, sampled := range map[string]bool{"00": false, "01": true, "02": false, "03": true, "0a": false, "ff": true} {
		if got, err := ParseContext(ctxA[:53] + flags); err != nil || !got.Valid() || got.Sampled != sampled {
			t.Errorf("ParseContext with flags %s: sampled is %v, %v", flags, got.Sampled, err)
		}
	}
	for _, bad := range []string{"", "-", ctxA[:54], ctxA + "0", "ff" + ctxA[2:], ctxA[:53] + "0x", ctxA[:53] + "0F", ctxA[:53] + "+1", strings.ReplaceAll(ctxA, "-", "_")} {
		if got, err := ParseContext([]byte(bad)); err == nil || got.Valid() {
			t.Errorf("ParseContext(%q) = %v", bad, got)
		}
	}
}

func TestWords(t *testing.T) {
	for p, want := range map[Purpose]string{PurposeLink: "link", PurposeUrgent: "urgent", PurposeBridge: "bridge", PurposeProbe: "probe", PurposeVerify: "verify", 9: "-"} {
		if p.String() != want {
			t.Errorf("purpose %d is %q, want %q", p, p, want)
		}
	}
	if VerbMsg.String() != "MSG" || VerbNone.String() != "-" || Verb(99).String() != "-" {
		t.Error("verbs are not their words")
	}
}
