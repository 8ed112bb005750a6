package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/fleet"
)

// processStep does something to the processes of some peers.
type processStep struct {
	verb  string
	peers who
	fault fleet.Fault
	call  func(fleet.Fleet) func(context.Context, ...int) error
}

func readProcess(verb string, fault fleet.Fault, otherwise who, call func(fleet.Fleet) func(context.Context, ...int) error) func(*reader, *yaml.Node) action {
	return func(r *reader, n *yaml.Node) action {
		s := &processStep{verb, otherwise, fault, call}
		switch {
		case !null(n):
			s.peers = r.peers(n, verb)
		case otherwise == "":
			r.fail(n.Line, verb+" says not whom", "%s", whoHelp)
		}
		return s
	}
}

var (
	readKill  = readProcess("kill", fleet.FaultKill, "", func(f fleet.Fleet) func(context.Context, ...int) error { return f.Kill })
	readStart = readProcess("start", fleet.FaultStart, "dead", func(f fleet.Fleet) func(context.Context, ...int) error { return f.Start })
	readPause = readProcess("pause", fleet.FaultPause, "", func(f fleet.Fleet) func(context.Context, ...int) error { return f.Pause })
	// Resuming is a part of pausing: an engine can do both or neither.
	readResume = readProcess("resume", fleet.FaultPause, "all", func(f fleet.Fleet) func(context.Context, ...int) error { return f.Resume })
)

func (s *processStep) String() string       { return s.verb + " " + string(s.peers) }
func (s *processStep) needs() []fleet.Fault { return []fleet.Fault{s.fault} }
func (s *processStep) check(c *checker)     { c.exist(s.peers) }

func (s *processStep) do(ctx context.Context, r *run) error {
	return onPeers(ctx, r, s.verb, s.peers, s.call(r.fleet))
}

// onPeers does something to some peers, and notes it as a fault.
func onPeers(ctx context.Context, r *run, verb string, peers who, call func(context.Context, ...int) error) error {
	all := r.fleet.Peers()
	picked, err := fleet.SelectFor(verb, all, string(peers), r.rng)
	if err != nil {
		return err
	}
	// A pause is for those who are not paused, and a resume for those who are, also where they are named.
	if verb == "pause" || verb == "resume" {
		picked = slices.DeleteFunc(picked, func(n int) bool { return placeOf(all, n).Paused == (verb == "pause") })
	}
	if len(picked) == 0 {
		return fmt.Errorf("%s: there is nobody to %s", peers, verb)
	}
	return r.shake(ctx, verb, verb+" "+resolved(peers, picked), func(ctx context.Context) error {
		if err := call(ctx, picked...); err != nil {
			return err
		}
		r.changed(picked...)
		return nil
	})
}

// resolved is a choice as it was written, and who it fell on.
func resolved(w who, picked []int) string {
	if plain := list(picked); strings.ReplaceAll(string(w), " ", "") != plain {
		return fmt.Sprintf("%s (%s)", w, plain)
	}
	return string(w)
}

// restartStep stops peers and starts them again: all at once, or one after the other.
type restartStep struct {
	peers   who
	rolling bool
}

func readRestart(r *reader, n *yaml.Node) action {
	s := &restartStep{peers: "all"}
	switch {
	case null(n):
	case n.Kind == yaml.MappingNode:
		r.mapping(n, "restart", fields{
			"peers":   func(n *yaml.Node) { s.peers = r.peers(n, "peers") },
			"rolling": func(n *yaml.Node) { s.rolling = r.yes(n, "rolling") },
		})
	default:
		s.peers = r.peers(n, "restart")
	}
	return s
}

func (s *restartStep) String() string {
	if s.rolling {
		return "restart " + string(s.peers) + ", one after the other"
	}
	return "restart " + string(s.peers)
}

func (s *restartStep) needs() []fleet.Fault { return []fleet.Fault{fleet.FaultStop, fleet.FaultStart} }
func (s *restartStep) check(c *checker)     { c.exist(s.peers) }

func (s *restartStep) do(ctx context.Context, r *run) error {
	picked, err := s.peers.pick(r, false)
	if err != nil {
		return err
	}
	if len(picked) == 0 {
		return fmt.Errorf("%s: there is nobody to restart", s.peers)
	}
	return r.shake(ctx, "restart", "restart "+resolved(s.peers, picked), func(ctx context.Context) error {
		if !s.rolling {
			return s.again(ctx, r, picked...)
		}
		for _, n := range picked {
			if err := s.again(ctx, r, n); err != nil {
				return err
			}
			r.say("peer %d is back", n)
			why := ""
			ok, err := r.until(ctx, waitFor, func() bool { why = r.watch.why(); return why == "" })
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("%v after peer %d was started again: %s", waitFor, n, why)
			}
		}
		return nil
	})
}

func (s *restartStep) again(ctx context.Context, r *run, peers ...int) error {
	if err := r.fleet.Stop(ctx, peers...); err != nil {
		return err
	}
	if err := r.fleet.Start(ctx, peers...); err != nil {
		return err
	}
	r.changed(peers...)
	return nil
}

// scaleStep starts more peers, or stops the youngest, until so many live.
type scaleStep struct {
	to        int
	siphoners bool // those that are added cannot be dialled
}

func readScale(r *reader, n *yaml.Node) action {
	s := &scaleStep{}
	if n.Kind != yaml.MappingNode {
		s.to = r.whole(n, "scale", 1, maxPeers)
		return s
	}
	r.mapping(n, "scale", fields{
		"to":        func(n *yaml.Node) { s.to = r.whole(n, "to", 1, maxPeers) },
		"siphoners": func(n *yaml.Node) { s.siphoners = r.yes(n, "siphoners") },
	})
	if s.to == 0 {
		r.fail(n.Line, "scale says not to how many", "write scale: 12, or scale: {to: 12, siphoners: true}")
	}
	return s
}

func (s *scaleStep) String() string {
	if s.siphoners {
		return fmt.Sprintf("scale to %d with siphoners", s.to)
	}
	return fmt.Sprintf("scale to %d", s.to)
}

func (s *scaleStep) needs() []fleet.Fault { return []fleet.Fault{fleet.FaultAdd, fleet.FaultStop} }

func (s *scaleStep) check(c *checker) { c.scale(s.to) }

func (s *scaleStep) do(ctx context.Context, r *run) error {
	living, err := who("all").pick(r, false)
	if err != nil {
		return err
	}
	return r.shake(ctx, "scale", s.String(), func(ctx context.Context) error {
		if more := s.to - len(living); more > 0 {
			return r.add(ctx, more, fleet.Options{Siphoner: s.siphoners})
		} else if more < 0 {
			fewer := living[s.to:]
			if err := r.fleet.Stop(ctx, fewer...); err != nil {
				return err
			}
			r.changed(fewer...)
		}
		return nil
	})
}
