package check

import (
	"fmt"
	"strconv"
	"strings"
)

// String is the schedule as text, which Parse reads: first the network, one word and its value to a line,
// then the steps, each with its time.
func (s *Schedule) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if s.Found != s.Seed {
		line("found %d", s.Found)
	}
	line("seed %d", s.Seed)
	line("peers %d", s.Peers)
	for _, f := range networkFields {
		if text := f.write(s); text != "" {
			line("%s %s", f.name, text)
		}
	}
	for _, o := range s.Slots {
		line("slots %s %d/%d", writePeers(o.Peers), o.Links, o.Serve)
	}
	for _, step := range s.Steps {
		line("%s", step)
	}
	line("%v end", s.End)
	return b.String()
}

// Parse reads a schedule. Empty lines, and what follows a #, mean nothing. Errors name the line.
func Parse(text string) (*Schedule, error) {
	s := &Schedule{}
	once := map[string]bool{}
	for i, l := range strings.Split(text, "\n") {
		l, _, _ = strings.Cut(l, "#")
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		if s.End > 0 {
			return nil, fmt.Errorf("line %d: %s: nothing follows the end", i+1, words[0])
		}
		if once[words[0]] {
			return nil, fmt.Errorf("line %d: %s is said a second time", i+1, words[0])
		}
		once[words[0]] = words[0] != "slots" && !isTime(words[0])
		if err := s.read(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if !once["found"] {
		s.Found = s.Seed
	}
	return s, s.check()
}

// isTime reports whether a line's first word is when something happens.
func isTime(word string) bool { return word[0] >= '0' && word[0] <= '9' }

func (s *Schedule) read(words []string) error {
	if isTime(words[0]) {
		return s.readStep(words)
	}
	if words[0] == "slots" && len(words) == 3 {
		return s.readSlots(words[1], words[2])
	}
	if len(words) != 2 {
		return fmt.Errorf("%s: one word and its value, or a time and what happens then", words[0])
	}
	err := fmt.Errorf("nothing is known of it")
	switch name, value := words[0], words[1]; name {
	case "seed":
		s.Seed, err = strconv.ParseUint(value, 10, 64)
	case "found":
		s.Found, err = strconv.ParseUint(value, 10, 64)
	case "peers":
		s.Peers, err = readNumber(value, 1, maxPeers)
	default:
		for _, f := range networkFields {
			if f.name == name {
				err = f.read(s, value)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	return nil
}

// readSlots reads 2,3 1/2: peers, and how many links they open and serve.
func (s *Schedule) readSlots(peers, slots string) (err error) {
	var o Slots
	links, serve, _ := strings.Cut(slots, "/")
	if o.Peers, err = readPeers(peers, s.Peers); err == nil {
		o.Links, err = readNumber(links, 1, maxLinks)
	}
	if err == nil {
		o.Serve, err = readNumber(serve, o.Links, maxLinks)
	}
	if err != nil {
		return fmt.Errorf("slots: %w: write it as 2,3 1/2", err)
	}
	s.Slots = append(s.Slots, o)
	return nil
}

// check looks at what no line shows alone.
func (s *Schedule) check() error {
	switch {
	case s.Peers == 0:
		return fmt.Errorf("no line says how many peers there are")
	case s.End == 0:
		return fmt.Errorf("no line says when act one ends: %q", "20s end")
	case s.Links != 0 && s.Serve != 0 && s.Serve < s.Links:
		return fmt.Errorf("serve %d is below links %d: a mesh of such peers runs out of slots", s.Serve, s.Links)
	case s.NoMulticast && !s.Join && len(s.JoinPeers) == 0:
		return fmt.Errorf("without multicast nobody finds anybody unless there is a join list")
	case s.Domains > 1 && !s.Join && len(s.JoinPeers) == 0:
		return fmt.Errorf("several multicast domains do not meet unless there is a join list")
	}
	for _, step := range s.Steps {
		if step.At > s.End {
			return fmt.Errorf("%q is after the end of act one", step)
		}
		if err := step.check(); err != nil {
			return fmt.Errorf("%q: %w", step, err)
		}
	}
	return nil
}
