package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hearsay/lab/sim"
)

// commands are all there are. It is filled in by init, since some of them list it.
var commands map[string]func(*Session, args) error

func init() {
	commands = map[string]func(*Session, args) error{
		"peers": (*Session).newPeers, "peer": (*Session).newPeer, "show": (*Session).showWords,
		"start": each((*sim.Host).Start, true), "run": (*Session).run, "publish": (*Session).publish,
		"kill": each((*sim.Host).Kill, false), "crash": each((*sim.Host).Crash, false), "stop": each((*sim.Host).Stop, false),
		"pause": each((*sim.Host).Pause, false), "resume": each((*sim.Host).Resume, false),
		"partition": (*Session).partition, "heal": (*Session).heal,
		"clog": between(sim.Spoiling{Clog: true}), "free": between(sim.Spoiling{}),
		"links": (*Session).links, "status": (*Session).status, "expect": (*Session).expect,
	}
}

// newPeers makes a network.
func (s *Session) newPeers(a args) error {
	if err := a.want(1, 1, false, "links", "serve", "seed", "multicast"); err != nil {
		return err
	}
	if s.w != nil {
		return fmt.Errorf("there is a network already")
	}
	n, err := strconv.Atoi(a.words[0])
	if err != nil || n < 1 || n > maxPeers {
		return fmt.Errorf("%q is no number of peers from 1 to %d", a.words[0], maxPeers)
	}
	links, err := a.number("links", 3)
	if err != nil {
		return err
	}
	serve, err := a.number("serve", 2*links)
	if err != nil {
		return err
	}
	seed, err := a.number("seed", 1)
	if err != nil {
		return err
	}
	if links < 1 || serve < links {
		return fmt.Errorf("links=%d serve=%d: peers serve at least as many links as they open, and open one", links, serve)
	}
	multicast := a.named["multicast"]
	if multicast != "" && multicast != "yes" && multicast != "no" {
		return fmt.Errorf("multicast=%s: yes or no", multicast)
	}
	s.w = sim.New(sim.Config{
		Seed: uint64(seed), LatencyMin: latency, LatencyMax: latency, Links: links, Serve: serve, Sampled: true, NoMulticast: multicast == "no",
	})
	s.w.Watch(s)
	for range n {
		s.hosts = append(s.hosts, s.w.Add(sim.Options{}))
	}
	return nil
}

// newPeer adds one.
func (s *Session) newPeer(a args) error {
	if err := a.want(0, 2, false, "join"); err != nil {
		return err
	}
	var o sim.Options
	for _, word := range a.words {
		switch word {
		case "siphoner":
			o.Firewalled = true
		case "history":
			o.History = true
		default:
			return fmt.Errorf("a peer can be siphoner or history, and not %q", word)
		}
	}
	if list := a.named["join"]; list != "" {
		hosts, err := s.peers(list)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			o.Join = append(o.Join, h.Number)
		}
	}
	h := s.w.Add(o)
	s.hosts = append(s.hosts, h)
	s.print("%s", h.Name)
	return nil
}

func (s *Session) showWords(a args) error {
	for _, word := range a.words {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%q cannot be shown: %s can", word, strings.Join(words, ", "))
		}
	}
	s.show(a.words...)
	return a.want(0, len(words), false)
}

// each does something to some peers; to all, if none are named and that is possible.
func each(do func(*sim.Host), all bool) func(*Session, args) error {
	return func(s *Session, a args) error {
		least := 1
		if all {
			least = 0
		}
		if err := a.want(least, 1, false); err != nil {
			return err
		}
		hosts := s.hosts
		if len(a.words) > 0 {
			var err error
			if hosts, err = s.peers(a.words[0]); err != nil {
				return err
			}
		}
		for _, h := range hosts {
			do(h)
		}
		return nil
	}
}

// between spoils what goes from one peer to another.
func between(how sim.Spoiling) func(*Session, args) error {
	return func(s *Session, a args) error {
		if err := a.want(2, 2, false); err != nil {
			return err
		}
		from, err := s.peers(a.words[0])
		if err != nil {
			return err
		}
		to, err := s.peers(a.words[1])
		if err != nil {
			return err
		}
		for _, x := range from {
			for _, y := range to {
				s.w.Spoil(x, y, how)
			}
		}
		return nil
	}
}

func (s *Session) run(a args) error {
	if err := a.want(1, 1, false); err != nil {
		return err
	}
	d, err := duration(a.words[0])
	if err != nil {
		return err
	}
	s.w.Run(d)
	return nil
}

func (s *Session) publish(a args) error {
	if err := a.want(1, 1, true); err != nil {
		return err
	}
	hosts, err := s.peers(a.words[0])
	if err != nil {
		return err
	}
	for _, h := range hosts {
		s.count(a.text, "said by "+h.Name)
		if _, err := h.Publish([]byte(a.text)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) partition(a args) error {
	if err := a.want(1, 1, false); err != nil {
		return err
	}
	var groups [][]*sim.Host
	for _, list := range strings.Split(a.words[0], "/") {
		g, err := s.peers(list)
		if err != nil {
			return err
		}
		groups = append(groups, g)
	}
	if len(groups) < 2 {
		return fmt.Errorf("say who is cut off from whom: partition 1,2/3,4")
	}
	s.w.Partition(groups...)
	return nil
}

func (s *Session) heal(a args) error {
	if err := a.want(0, 0, false); err != nil {
		return err
	}
	s.w.Heal()
	return nil
}
