package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/sim"
)

// args are what stands after a command.
type args struct {
	words []string
	named map[string]string // links=1
	text  string            // what is in quotes
	bad   string            // what was not understood
}

// parse takes a line apart. A text in quotes comes last.
func parse(line string) (a args) {
	a.named = map[string]string{}
	before, quoted, found := strings.Cut(line, `"`)
	if found {
		text, err := strconv.Unquote(`"` + strings.TrimSpace(quoted))
		if err != nil {
			a.bad = `"` + quoted
		}
		a.text, line = text, before
	}
	for _, word := range strings.Fields(line) {
		if key, value, ok := strings.Cut(word, "="); ok {
			a.named[key] = value
		} else {
			a.words = append(a.words, word)
		}
	}
	return a
}

// want says how many words there must be, and which names there may be.
func (a *args) want(least, most int, text bool, names ...string) error {
	switch {
	case a.bad != "":
		return fmt.Errorf("%s is no text in quotes", a.bad)
	case len(a.words) < least || len(a.words) > most:
		return fmt.Errorf("%d words follow, and there must be %d to %d", len(a.words), least, most)
	case text && a.text == "":
		return fmt.Errorf(`a text in quotes must follow: "hello"`)
	case !text && a.text != "":
		return fmt.Errorf("no text may follow")
	}
	for key := range a.named {
		if !slices.Contains(names, key) {
			return fmt.Errorf("%s= is not known here", key)
		}
	}
	return nil
}

// number is a named number, or otherwise.
func (a *args) number(name string, otherwise int) (int, error) {
	text, given := a.named[name]
	if !given {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1000 {
		return 0, fmt.Errorf("%s=%s is no number from 0 to 1000", name, text)
	}
	return n, nil
}

func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxRun {
		return 0, fmt.Errorf("%q is no time: write it as 500ms or 2s, up to %v", text, maxRun)
	}
	return d, nil
}

// peers are those of a list of numbers: 1,2.
func (s *Session) peers(list string) (hosts []*sim.Host, err error) {
	if list == "all" {
		for _, h := range s.hosts {
			if h.Alive() {
				hosts = append(hosts, h)
			}
		}
		return hosts, nil
	}
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > len(s.hosts) {
			return nil, fmt.Errorf("%q is no peer: they are 1 to %d", word, len(s.hosts))
		}
		hosts = append(hosts, s.hosts[n-1])
	}
	return hosts, nil
}
