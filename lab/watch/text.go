package watch

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plain is text as it may be shown: what would end a line, drive a terminal or reorder what stands beside it is
// written out as \n, \x1b or \u202e.
func Plain(s string) string {
	if !strings.ContainsFunc(s, unsafe) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unsafe(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// quote is a text in quotation marks, cut to so many characters.
func quote(s string, most int) string {
	r := []rune(Plain(s))
	if len(r) > most {
		return `"` + string(r[:most-1]) + `…"`
	}
	return `"` + string(r) + `"`
}

// span is a duration for people: 0.4 ms, 11 ms, 4.2 s, 9m51s.
func span(d time.Duration) string {
	switch d = max(0, d); {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Round(100*time.Microsecond))/1e6, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatFloat(float64(d.Round(time.Millisecond))/1e6, 'f', 0, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	default:
		return d.Round(time.Second).String()
	}
}

func spanMS(ms float64) string { return span(durationOf(ms)) }

// clock is the time of day.
func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }

// Write tells an account to a person. Its times are the peers' own where their spans have come.
func (a *Account) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s from %s, %s: heard by %d of %d", quote(a.Text, 60), Plain(a.Name), clock(a.Said), a.Heard, a.Owed)
	if a.TookMS >= 0 {
		fmt.Fprintf(&b, " in %s", spanMS(a.TookMS))
	}
	switch {
	case a.Further > 0:
		fmt.Fprintf(&b, "; %s too many", counted(a.Further, "copy"))
	case a.Traced && a.Heard > 0:
		b.WriteString("; no copy wasted")
	}
	b.WriteString("\n")
	a.writeTree(&b)
	if len(a.Missing) > 0 {
		b.WriteString("not heard by\n")
		for _, x := range a.Missing {
			fmt.Fprintf(&b, "   %-9s %s\n", Plain(x.Name), x.say(a))
		}
	}
	writeOthers(&b, a.Others)
	if a.Trace != "" {
		fmt.Fprintf(&b, "trace %s\n", a.Trace)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *Account) writeTree(b *strings.Builder) {
	// more[d] is whether another line of that depth comes below, so that its parent's line goes on.
	more := map[int]bool{}
	lines := make([]string, len(a.Tree))
	for i := len(a.Tree) - 1; i >= 0; i-- {
		t := &a.Tree[i]
		var line strings.Builder
		for d := 1; d < t.Depth; d++ {
			line.WriteString(map[bool]string{true: "│  ", false: "   "}[more[d]])
		}
		if t.Depth > 0 {
			line.WriteString(map[bool]string{true: "├─ ", false: "└─ "}[more[t.Depth]])
		}
		more[t.Depth] = true
		for d := t.Depth + 1; d <= len(a.Tree); d++ {
			delete(more, d)
		}
		line.WriteString(t.say())
		lines[i] = line.String()
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
}

// fewCopies is how many further copies are told of one by one. The first messages, before there is a tree, come over
// every link.
const fewCopies = 2

func (t *Telling) say() string {
	if t.Depth == 0 {
		return fmt.Sprintf("%-8s published", Plain(t.Name))
	}
	how := t.How
	switch {
	case how == "":
		how = "told by somebody whose span has not come"
	case t.Why != "":
		how += ": " + t.Why
	}
	s := fmt.Sprintf("%-8s %7s   %s", Plain(t.Name), spanMS(t.AtMS), how)
	if t.Extra {
		s += " (it asked for history)"
	}
	for i, c := range t.More {
		if i == fewCopies && len(t.More) > fewCopies+1 {
			s += fmt.Sprintf("      and %d more", len(t.More)-fewCopies)
			break
		}
		s += fmt.Sprintf("      %s copy from %s at %s", ordinal(i+2), Plain(c.Name), spanMS(c.AtMS))
		if c.Pruned {
			s += ": pruned"
		}
	}
	return s
}

func ordinal(n int) string {
	if n < len(ordinals) {
		return ordinals[n]
	}
	return itoa(n) + "th"
}

var ordinals = [...]string{"", "first", "second", "third", "fourth", "fifth"}

// say is why a peer misses the message, since when, which part it is in, and whether the message is kept for it.
func (x *Missing) say(a *Account) string {
	s := x.Why
	if x.Since != nil {
		s += " since " + clock(*x.Since)
		if d := a.Said.Sub(*x.Since); d > 0 {
			s += " (" + span(d) + " before this was said)"
		}
	}
	if len(x.Part) > 1 {
		s += "; its part is " + numbers(x.Part)
	}
	switch {
	case x.Until == nil && !strings.HasPrefix(x.Why, nobodyHas) && !strings.HasSuffix(x.Why, onlyItHad):
		s += "; nobody keeps it any more"
	case x.Until == nil:
	default:
		s += "; kept for it by " + counted(len(x.Kept), "peer") + " until " + clock(*x.Until)
	}
	return s
}
