// Package script runs a few simulated peers by commands that a person can write and read, one to a line, and
// tells what they do. The files in testdata are such scripts with the output that belongs to them; they are
// the documentation of how peers behave, and a change of behaviour is a change of them. After a change that
// you can explain:
//
//	go test ./lab/sim/script -update
//
// The network is as plain as it gets: every packet takes one millisecond, and nothing is lost unless a command
// says so, so that times can be followed. The commands:
//
//	peers 4 links=1 serve=2    four peers on a new network, none of them started; first of all commands
//	peer siphoner              one more; siphoner: nobody can dial it; join=1,2: the peers that its join list names
//	show dials tree            what is told from now on, of the words below; an empty list tells nothing
//	start 1,2                  start peers; without numbers all
//	run 2s                     let time pass
//	publish 1 "hello"          have a peer say something
//	kill 3 · crash 3 · stop 3 · pause 3 · resume 3
//	partition 1,2/3,4 · heal   cut the network between groups; make it whole
//	clog 1 2 · free 1 2        nothing more arrives on the streams from 1 to 2; it does again
//	links                      who has a link to whom
//	status                     what each peer thinks of the mesh
//	expect meshed within=5s    let time pass until the mesh is whole; it must be, by then
//	expect parts 2             the mesh is in so many parts
//	expect heard 2,3 "hello"   these peers have heard it by now, once; all stands for all that live
//
// What can be told: announcements, discovery, dials (for links, and back to see whether a peer can be dialled),
// probes (of addresses that should answer), links, roots, heals, messages (had by whom, from whom, and how), tree
// (grafts, prunes, duplicates, catching up). Links, heals and messages are, unless a script says
// otherwise.
package script

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearsay/lab/sim"
)

// Session is one network, and what was said about it.
type Session struct {
	w     *sim.World
	hosts []*sim.Host
	tell  map[string]bool
	out   strings.Builder
	heard map[string]map[string]int // by text and name of the peer: how often
	conns map[*sim.Host]map[uint64]string
}

// words are what can be told.
var words = []string{"announcements", "discovery", "dials", "probes", "links", "roots", "heals", "messages", "tree"}

const (
	maxPeers = 100 // of more nobody reads
	maxRun   = time.Hour
	latency  = time.Millisecond
)

// NewSession returns one without peers.
func NewSession() *Session {
	s := &Session{heard: map[string]map[string]int{}, conns: map[*sim.Host]map[uint64]string{}}
	s.show("links", "heals", "messages")
	return s
}

func (s *Session) show(list ...string) {
	s.tell = map[string]bool{}
	for _, word := range list {
		s.tell[word] = true
	}
}

// errNoPeers is the answer to every command before peers.
var errNoPeers = errors.New("there is no network yet: begin with peers 4")

// Failed is an expectation that was not met.
type Failed struct{ What string }

func (f *Failed) Error() string { return f.What }

// Do carries one command out, and returns what is to be told. An error is a *Failed, a promise that the
// simulator saw broken, or says what is wrong with the command.
func (s *Session) Do(line string) (string, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	c, known := commands[name]
	if !known {
		return "", fmt.Errorf("%q is no command: there are %s", name, strings.Join(names(), ", "))
	}
	if s.w == nil && name != "peers" {
		return "", errNoPeers
	}
	s.out.Reset()
	if err := c(s, parse(rest)); err != nil {
		return s.out.String(), fmt.Errorf("%s: %w", line, err)
	}
	if v := s.w.Failed(); v != nil {
		return s.out.String(), fmt.Errorf("%s: %w", line, v)
	}
	return s.out.String(), nil
}

// say adds a line, with the time.
func (s *Session) say(format string, args ...any) {
	fmt.Fprintf(&s.out, "%7.3f s  %s\n", s.w.Now().Seconds(), fmt.Sprintf(format, args...))
}

func (s *Session) print(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func names() []string {
	var list []string
	for name := range commands {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
