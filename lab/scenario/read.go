package scenario

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reader goes through the nodes of a file, and collects what is wrong with it. Whoever asks it for a value
// that is not there gets the zero value, and goes on: a person wants to know of all that is wrong at once.
type reader struct {
	file string
	errs []complaint
}

// maxComplaints is how many are shown; the first one of a misread file causes most of the others.
const maxComplaints = 20

type complaint struct {
	line int
	text string
}

// fail complains of a line. The remedy says what would be right.
func (r *reader) fail(line int, what, remedy string, args ...any) {
	r.errs = append(r.errs, complaint{line, fmt.Sprintf("%s:%d: %s; %s", r.file, line, what, fmt.Sprintf(remedy, args...))})
}

// err is all that was complained of, by line.
func (r *reader) err() error {
	slices.SortStableFunc(r.errs, func(a, b complaint) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for i, c := range r.errs {
		if i == maxComplaints {
			errs = append(errs, fmt.Errorf("%s: and %d more", r.file, len(r.errs)-i))
			break
		}
		errs = append(errs, errors.New(c.text))
	}
	return errors.Join(errs...)
}

// fields are the keys that a mapping may have, each with what reads its value.
type fields map[string]func(*yaml.Node)

func (f fields) names() string {
	var names []string
	for n := range f {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// mapping reads a mapping whose keys are known. what names it in complaints.
func (r *reader) mapping(n *yaml.Node, what string, f fields) {
	if n.Kind != yaml.MappingNode {
		r.fail(n.Line, what+" is not written as NAME: VALUE", "it has: %s", f.names())
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := f[key.Value]
		switch {
		case read == nil:
			r.fail(key.Line, fmt.Sprintf("%s has no %q", what, key.Value), "it has: %s", f.names())
		case seen[key.Value]:
			r.fail(key.Line, fmt.Sprintf("%s has %q twice", what, key.Value), "leave one of them away")
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			r.fail(value.Line, "anchors and aliases are not read", "write the value out")
		default:
			read(value)
		}
		seen[key.Value] = true
	}
}

// list reads a list, one element after the other.
func (r *reader) list(n *yaml.Node, what string, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n.Line, what+" is no list", "begin each of its lines with a hyphen")
		return
	}
	if len(n.Content) > maxSteps {
		r.fail(n.Line, fmt.Sprintf("%s has %d entries", what, len(n.Content)), "it can have %d", maxSteps)
		return
	}
	for _, e := range n.Content {
		if e.Kind == yaml.AliasNode || e.Anchor != "" {
			r.fail(e.Line, "anchors and aliases are not read", "write the value out")
			continue
		}
		read(e)
	}
}

// text reads one word or line.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n.Line, what+" has no value", "write one after the colon")
		return ""
	}
	return n.Value
}

// whole reads a whole number.
func (r *reader) whole(n *yaml.Node, what string, least, most int) int {
	s := r.text(n, what)
	if s == "" {
		return least
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < least || v > most {
		r.fail(n.Line, fmt.Sprintf("%s is %q", what, s), "it is a whole number from %d to %d", least, most)
		return least
	}
	return v
}

// duration reads a time.
func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	s := r.text(n, what)
	if s == "" {
		return time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxFor {
		r.fail(n.Line, fmt.Sprintf("%s is %q", what, s), "write a time with its unit, such as 500ms, 20s or 5m (up to %v)", maxFor)
		return time.Second
	}
	return d
}

// amount reads one of package quantity's types.
func (r *reader) amount(n *yaml.Node, what string, to encoding.TextUnmarshaler) {
	s := r.text(n, what)
	if s == "" {
		return
	}
	if err := to.UnmarshalText([]byte(s)); err != nil {
		// Those errors say what would be right behind their last colon.
		text := err.Error()
		wrong, right := text, "look at the amount"
		if i := strings.LastIndex(text, ": write it"); i >= 0 {
			wrong, right = text[:i], text[i+2:]
		}
		r.fail(n.Line, what+": "+wrong, "%s", right)
	}
}

// decimal reads a number that need not be whole.
func (r *reader) decimal(n *yaml.Node, what string, least, most float64) float64 {
	s := r.text(n, what)
	if s == "" {
		return least
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= least && v <= most) {
		r.fail(n.Line, fmt.Sprintf("%s is %q", what, s), "it is a number from %v to %v", least, most)
		return least
	}
	return v
}

// yes reads true or false.
func (r *reader) yes(n *yaml.Node, what string) bool {
	switch s := r.text(n, what); s {
	case "true":
		return true
	case "false", "":
		return false
	default:
		r.fail(n.Line, fmt.Sprintf("%s is %q", what, s), "it is true or false")
		return false
	}
}
