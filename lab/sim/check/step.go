package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/peer/wire"
)

// String is the step as a line of a schedule.
func (s Step) String() string {
	words := []string{s.At.String(), string(s.Verb)}
	switch {
	case s.Verb == Partition && len(s.Groups) == 0:
		words = append(words, "none")
	case s.Verb == Partition:
		var groups []string
		for _, g := range s.Groups {
			groups = append(groups, writePeers(g))
		}
		words = append(words, strings.Join(groups, "/"))
	case s.Verb.between():
		arrow, to := ">", "*"
		if s.Both {
			arrow = "-"
		}
		if len(s.To) > 0 {
			to = writePeers(s.To)
		}
		words = append(words, writePeers(s.Peers)+arrow+to)
	default:
		words = append(words, writePeers(s.Peers))
	}
	switch s.Verb {
	case Skew:
		words = append(words, strconv.FormatFloat(s.Speed, 'g', -1, 64))
	case Slow:
		words = append(words, s.Bytes.String())
	case Lag:
		words = append(words, s.Delay.String())
	case Lose:
		words = append(words, s.Share.String())
	case Flap:
		words = append(words, "every", s.Every.String(), "for", s.For.String())
	case Send:
		words = append(words, "count", strconv.Itoa(s.Count), "every", s.Every.String(), "size", s.Bytes.String())
	}
	return strings.Join(words, " ")
}

// readStep reads a line that begins with a time.
func (s *Schedule) readStep(words []string) (err error) {
	var step Step
	if step.At, err = readTime(words[0], 0, maxEnd); err != nil {
		return err
	}
	if len(words) == 2 && words[1] == "end" {
		s.End = max(step.At, 1)
		return nil
	}
	if len(words) < 3 {
		return fmt.Errorf("%s: after the time comes what happens, and to whom", words[0])
	}
	if len(s.Steps) == maxSteps {
		return fmt.Errorf("more than %d steps", maxSteps)
	}
	step.Verb = Verb(words[1])
	if err = step.readWhom(words[2], s.Peers); err == nil {
		err = step.readRest(words[3:])
	}
	if err == nil {
		err = step.check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", words[1], err)
	}
	s.Steps = append(s.Steps, step)
	return nil
}

// check finds what contradicts itself.
func (s *Step) check() error {
	part := map[int]bool{}
	for _, g := range s.Groups {
		for _, p := range g {
			if part[p] {
				return fmt.Errorf("peer %d is in two parts", p)
			}
			part[p] = true
		}
	}
	if len(s.To) == 1 && len(s.Peers) == 1 && s.To[0] == s.Peers[0] {
		return fmt.Errorf("there is nothing between peer %d and itself", s.To[0])
	}
	return nil
}

func (s *Step) readWhom(t string, peers int) (err error) {
	switch {
	case s.Verb == Partition:
		if t == "none" {
			return nil
		}
		for _, g := range strings.Split(t, "/") {
			group, err := readPeers(g, peers)
			if err != nil {
				return err
			}
			s.Groups = append(s.Groups, group)
		}
		if len(s.Groups) < 2 {
			return fmt.Errorf("%q is one part: write it as 1,2/3,4, or none", t)
		}
		return nil
	case s.Verb.between():
		from, to, ok := strings.Cut(t, ">")
		if !ok {
			from, to, s.Both = strings.Cut(t, "-")
		}
		if !ok && !s.Both {
			return fmt.Errorf("%q: write 1>2 for one direction, 1-2 for both, 1>* for everybody else", t)
		}
		if to != "*" {
			if s.To, err = readPeers(to, peers); err != nil {
				return err
			}
		}
		s.Peers, err = readPeers(from, peers)
		return err
	}
	s.Peers, err = readPeers(t, peers)
	return err
}

// readRest reads what follows the peers.
func (s *Step) readRest(words []string) (err error) {
	want := map[Verb]string{
		Start: "", Stop: "", Kill: "", Crash: "", Restart: "", Pause: "", Resume: "", Firewall: "", Unfirewall: "",
		Partition: "", Cut: "", Clog: "", Free: "", Skew: "1.02", Slow: "20KiB", Lag: "50ms±10ms", Lose: "30%",
		Flap: "every 200ms for 3s", Send: "count 20 every 50ms size 100B",
	}
	example, known := want[s.Verb]
	shape := strings.Fields(example)
	switch {
	case !known:
		return fmt.Errorf("nothing is known of it")
	case len(words) != len(shape):
		return fmt.Errorf("after the peers comes %q", example)
	}
	for i := 0; i < len(words)-1; i += 2 {
		if words[i] != shape[i] {
			return fmt.Errorf("after the peers comes %q", example)
		}
	}
	switch s.Verb {
	case Skew:
		if s.Speed, err = strconv.ParseFloat(words[0], 64); err != nil || !(s.Speed >= 1/maxSpeed && s.Speed <= maxSpeed) {
			return fmt.Errorf("%q: a clock's speed is between %g and %g", words[0], 1/maxSpeed, maxSpeed)
		}
	case Slow:
		if err = s.Bytes.UnmarshalText([]byte(words[0])); err == nil && s.Bytes == 0 {
			err = fmt.Errorf("if nothing passes, say clog")
		}
	case Lag:
		err = s.Delay.UnmarshalText([]byte(words[0]))
	case Lose:
		err = s.Share.UnmarshalText([]byte(words[0]))
	case Flap:
		if s.Every, err = readTime(words[1], time.Millisecond, maxEnd); err == nil {
			s.For, err = readTime(words[3], 0, maxEnd)
		}
	case Send:
		if s.Count, err = readNumber(words[1], 1, maxCount); err != nil {
			return err
		}
		if s.Every, err = readTime(words[3], 0, maxEnd); err != nil {
			return err
		}
		if err = s.Bytes.UnmarshalText([]byte(words[5])); err == nil && s.Bytes > wire.MaxBody {
			err = fmt.Errorf("size %v: a message has at most %d bytes", s.Bytes, wire.MaxBody)
		}
	}
	return err
}

func writePeers(peers []int) string {
	var b []byte
	for i, p := range peers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(p), 10)
	}
	return string(b)
}

func readPeers(t string, most int) (peers []int, err error) {
	if most == 0 {
		return nil, fmt.Errorf("a line that says how many peers there are comes first")
	}
	for _, w := range strings.Split(t, ",") {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 || n > most {
			return nil, fmt.Errorf("%q is none of the peers 1 to %d", w, most)
		}
		if slices.Contains(peers, n) {
			return nil, fmt.Errorf("peer %d is said twice", n)
		}
		peers = append(peers, n)
	}
	return peers, nil
}

func readNumber(t string, least, most int) (int, error) {
	n, err := strconv.Atoi(t)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is no number from %d to %d", t, least, most)
	}
	return n, nil
}

func readTime(t string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(t)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%q is no time from %v to %v", t, least, most)
	}
	return d, nil
}
