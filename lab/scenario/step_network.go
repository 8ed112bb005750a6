package scenario

import (
	"context"
	"encoding"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
)

// partitionStep cuts the network between groups.
type partitionStep struct {
	half   bool // two halves, chosen by chance
	groups []who
}

func readPartition(r *reader, n *yaml.Node) action {
	s := &partitionStep{half: n.Kind == yaml.ScalarNode && n.Value == "half"}
	if s.half {
		return s
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n.Line, "partition has no groups", "write them as [[1, 2, 3], [4, 5, 6]], or write half")
		return s
	}
	r.list(n, "partition", func(e *yaml.Node) {
		if e.Kind != yaml.SequenceNode {
			r.fail(e.Line, "a group is no list", "write groups as [[1, 2, 3], [4, 5, 6]]")
			return
		}
		s.groups = append(s.groups, r.peers(e, "group"))
	})
	if len(s.groups) < 2 {
		r.fail(n.Line, "a partition has two groups or more", "write them as [[1, 2, 3], [4, 5, 6]]")
	}
	return s
}

func (s *partitionStep) String() string {
	if s.half {
		return "partition half"
	}
	var words []string
	for _, g := range s.groups {
		words = append(words, string(g))
	}
	return "partition " + strings.Join(words, "/")
}

func (s *partitionStep) needs() []fleet.Fault { return []fleet.Fault{fleet.FaultPartition} }

func (s *partitionStep) check(c *checker) {
	in := map[int]bool{}
	for _, g := range s.groups {
		c.exist(g)
		for _, n := range g.numbers() {
			if in[n] {
				c.fail(fmt.Sprintf("peer %d is in two groups", n), "leave it in one")
			}
			in[n] = true
		}
	}
}

func (s *partitionStep) do(ctx context.Context, r *run) error {
	groups, err := s.pick(r)
	if err != nil {
		return err
	}
	var words []string
	for _, g := range groups {
		words = append(words, list(g))
	}
	return r.shake(ctx, "partition", "partition "+strings.Join(words, "/"), func(ctx context.Context) error {
		if err := r.fleet.Partition(ctx, groups...); err != nil {
			return err
		}
		r.net.partition(groups)
		return nil
	})
}

func (s *partitionStep) pick(r *run) (groups [][]int, err error) {
	if s.half {
		all, err := who("all").pick(r, false)
		if err != nil {
			return nil, err
		}
		half, err := who("half").pick(r, false)
		if err != nil {
			return nil, err
		}
		return [][]int{half, without(all, half)}, nil
	}
	taken := map[int]bool{}
	for _, g := range s.groups {
		picked, err := g.pick(r, true)
		if err != nil {
			return nil, err
		}
		for _, n := range picked {
			if taken[n] {
				return nil, fmt.Errorf("peer %d is in two groups", n)
			}
			taken[n] = true
		}
		groups = append(groups, picked)
	}
	return groups, nil
}

// isolateStep cuts each of some peers off from everybody.
type isolateStep struct{ peers who }

func readIsolate(r *reader, n *yaml.Node) action {
	if null(n) {
		r.fail(n.Line, "isolate says not whom", "%s", whoHelp)
		return nil
	}
	return &isolateStep{r.peers(n, "isolate")}
}

func (s *isolateStep) String() string       { return "isolate " + string(s.peers) }
func (s *isolateStep) needs() []fleet.Fault { return []fleet.Fault{fleet.FaultIsolate} }
func (s *isolateStep) check(c *checker)     { c.exist(s.peers) }

func (s *isolateStep) do(ctx context.Context, r *run) error {
	picked, err := s.peers.pick(r, false)
	if err != nil {
		return err
	}
	return r.shake(ctx, "isolate", "isolate "+resolved(s.peers, picked), func(ctx context.Context) error {
		if err := r.fleet.Isolate(ctx, picked...); err != nil {
			return err
		}
		r.net.isolate(picked)
		return nil
	})
}

// spoilStep makes what some peers send late, or loses a share of it.
type spoilStep struct {
	verb  string
	by    quantity.Spread
	share quantity.Share
	peers who
}

func readDelay(r *reader, n *yaml.Node) action {
	s, before := &spoilStep{verb: "delay", peers: "all"}, len(r.errs)
	s.read(r, n, "by", &s.by, "50ms±10ms 1,2")
	if s.by.Mean == 0 && len(r.errs) == before {
		r.fail(n.Line, "delay says not by how much", "write delay: 50ms±10ms 1,2, or delay: {by: 50ms, peers: [1, 2]}")
	}
	return s
}

func readLoss(r *reader, n *yaml.Node) action {
	s, before := &spoilStep{verb: "loss", peers: "all"}, len(r.errs)
	s.read(r, n, "share", &s.share, "5% 1,2")
	if s.share == 0 && len(r.errs) == before {
		r.fail(n.Line, "loss says not of how much", "write loss: 5%% 1,2, or loss: {share: 5%%, peers: [1, 2]}")
	}
	return s
}

// read reads `AMOUNT PEERS` in one line, as on the command line, or both by their names.
func (s *spoilStep) read(r *reader, n *yaml.Node, name string, to encoding.TextUnmarshaler, example string) {
	if n.Kind == yaml.MappingNode {
		r.mapping(n, s.verb, fields{
			name:    func(n *yaml.Node) { r.amount(n, name, to) },
			"peers": func(n *yaml.Node) { s.peers = r.peers(n, "peers") },
		})
		return
	}
	if n.Kind != yaml.ScalarNode || null(n) {
		r.fail(n.Line, s.verb+" says not by how much", "write %s: %s", s.verb, example)
		return
	}
	amount, peers, some := strings.Cut(strings.TrimSpace(n.Value), " ")
	first, second := *n, *n
	first.Value, second.Value = amount, strings.TrimSpace(peers)
	r.amount(&first, s.verb, to)
	if some {
		s.peers = r.peers(&second, s.verb)
	}
}

func (s *spoilStep) String() string {
	if s.verb == "delay" {
		return fmt.Sprintf("delay %v at %s", s.by, s.peers)
	}
	return fmt.Sprintf("loss %v at %s", s.share, s.peers)
}

func (s *spoilStep) needs() []fleet.Fault {
	if s.verb == "delay" {
		return []fleet.Fault{fleet.FaultDelay}
	}
	return []fleet.Fault{fleet.FaultLoss}
}

func (s *spoilStep) check(c *checker) { c.exist(s.peers) }

func (s *spoilStep) do(ctx context.Context, r *run) error {
	picked, err := s.peers.pick(r, false)
	if err != nil {
		return err
	}
	return r.shake(ctx, s.verb, s.String(), func(ctx context.Context) (err error) {
		if s.verb == "delay" {
			err = r.fleet.Delay(ctx, s.by, picked...)
		} else {
			err = r.fleet.Loss(ctx, s.share, picked...)
		}
		if err == nil {
			r.net.spoil()
		}
		return err
	})
}

// healStep makes the network whole.
type healStep struct{}

func readHeal(r *reader, n *yaml.Node) action {
	if !null(n) && n.Value != "all" {
		r.fail(n.Line, fmt.Sprintf("heal is %q", n.Value), "write heal: all; it undoes partition, isolate, delay and loss everywhere")
	}
	return healStep{}
}

func (healStep) String() string { return "heal" }

func (healStep) check(*checker) {}

func (healStep) do(ctx context.Context, r *run) error {
	return r.shake(ctx, "heal", "heal", func(ctx context.Context) error {
		if err := r.fleet.Heal(ctx); err != nil {
			return err
		}
		r.net.heal()
		return nil
	})
}

// without are those of a that are not in b.
func without(a, b []int) (rest []int) {
	in := map[int]bool{}
	for _, n := range b {
		in[n] = true
	}
	for _, n := range a {
		if !in[n] {
			rest = append(rest, n)
		}
	}
	return rest
}
