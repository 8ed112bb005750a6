package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checker goes through a scenario that could be read, in the order in which it would happen, and complains
// of what cannot be so.
type checker struct {
	r    *reader
	line int

	peers   int      // how many places there can be here
	fewer   bool     // some may have ended, so that scaling up may make new places
	sent    bool     // something was sent before
	sending bool     // and goes on
	kinds   []string // of the steps so far
}

func (c *checker) fail(what, remedy string, args ...any) { c.r.fail(c.line, what, remedy, args...) }

// exist checks that those peers can exist who are named by number.
func (c *checker) exist(w who) {
	for _, n := range w.numbers() {
		if n > c.peers {
			c.fail(fmt.Sprintf("there is no peer %d", n), "there are 1 to %d here; raise peers, or scale before this step", c.peers)
		}
	}
}

// scale notes that from here on so many may live.
func (c *checker) scale(to int) {
	if c.fewer {
		c.peers += to // at most: all of them may be new
	} else {
		c.peers = max(c.peers, to)
	}
	c.fewer = true
	if c.peers > maxPeers {
		c.fail(fmt.Sprintf("there may be %d peers", c.peers), "up to %d are possible", maxPeers)
	}
}

// shaking are the steps after which something can be expected within a time.
var shaking = []string{"kill", "stop", "start", "restart", "pause", "resume", "partition", "isolate", "delay", "loss", "heal", "churn", "scale"}

// begin stands for the start of the peers, where an expectation names a step.
const begin = "begin"

func (s *Scenario) check(r *reader, line int) {
	s.checkLimits(r, line)
	c := &checker{r: r, peers: s.Peers}
	for _, st := range s.Steps {
		c.line = st.Line
		st.check(c)
		c.kinds = append(c.kinds, st.Kind)
		if slices.Contains([]string{"kill", "stop", "churn"}, st.Kind) {
			c.fewer = true
		}
	}
	if len(s.Steps) == 0 {
		r.fail(line, "nothing is done in this scenario", "add steps")
	}
	if len(s.Expect) == 0 {
		r.fail(line, "nothing is expected of this scenario", "add expectations, such as - lost: 0")
	}
	for _, e := range s.Expect {
		c.line = e.Line
		e.check(c)
	}
}

func (s *Scenario) checkLimits(r *reader, line int) {
	if strings.TrimSpace(s.Name) == "" || len(s.Name) > 200 {
		r.fail(line, "the name is empty, or longer than 200 bytes", "a name is one line for people")
	}
	links, _ := strconv.Atoi(s.Options["links"])
	serve, _ := strconv.Atoi(s.Options["serve"])
	switch {
	case links == 0 && serve > 0 && serve < defaultLinks:
		links = defaultLinks
	case serve == 0 && links > defaultServe:
		serve = defaultServe
	}
	if links > 0 && serve > 0 && serve < links {
		r.fail(line, fmt.Sprintf("serve %d is below links %d", serve, links), "a mesh of such peers runs out of slots: set serve to %d or more", links)
	}
}

// What peers do if they are not told otherwise.
const (
	defaultLinks = 3
	defaultServe = 6
)

// after checks that a step is there which an expectation counts from.
func (c *checker) after(kind string) {
	if kind == begin || slices.Contains(c.kinds, kind) {
		return
	}
	there := []string{begin}
	for _, k := range shaking {
		if slices.Contains(c.kinds, k) {
			there = append(there, k)
		}
	}
	c.fail(fmt.Sprintf("there is no step %q to count from", kind), "after is one of the steps of this scenario: %s", strings.Join(there, ", "))
}

// spoken checks that something is sent at all: a promise about nothing is always kept.
func (c *checker) spoken() {
	if !c.sent {
		c.fail("nothing is sent in this scenario, so that this is always so", "add a send, or leave the expectation away")
	}
}

// lastShaking is the last step that changes anything, from which times count if nothing else is said.
func (c *checker) lastShaking() string {
	for i := len(c.kinds) - 1; i >= 0; i-- {
		if slices.Contains(shaking, c.kinds[i]) && c.kinds[i] != "stop" {
			return c.kinds[i]
		}
	}
	return begin
}

// leastSize must hold the longest beginning of a text.
var _ [leastSize - len("#200000 peer-10000: ")]struct{}
