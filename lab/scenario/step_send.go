package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/fleet"
	"hearsay/lab/quantity"
	"hearsay/peer/wire"
)

// What a send says and how often, if the file does not tell: a line that a person might type, often enough
// that every few milliseconds of a fault are seen.
const (
	sendRate = 20
	sendSize = 100
)

// leastSize is the room that a message's number and its publisher's name take.
const leastSize = 32

// sendStep has peers speak, one after the other, until they are stopped.
type sendStep struct {
	from  who
	rate  quantity.Rate // of all of them together
	size  quantity.Bytes
	text  string
	count int // 0: until stopped
}

func readSend(r *reader, n *yaml.Node) action {
	s := &sendStep{from: "all", rate: sendRate, size: sendSize}
	if null(n) {
		return s
	}
	sized := false
	r.mapping(n, "send", fields{
		"from":  func(n *yaml.Node) { s.from = r.peers(n, "from") },
		"rate":  func(n *yaml.Node) { r.amount(n, "rate", &s.rate) },
		"size":  func(n *yaml.Node) { sized = true; r.amount(n, "size", &s.size) },
		"text":  func(n *yaml.Node) { s.text = r.text(n, "text") },
		"count": func(n *yaml.Node) { s.count = r.whole(n, "count", 1, maxMessages) },
	})
	switch {
	case sized && s.text != "":
		r.fail(n.Line, "send has both a size and a text", "leave one of them away")
	case s.text == "" && (s.size < leastSize || s.size > wire.MaxBody):
		r.fail(n.Line, fmt.Sprintf("size is %v", s.size), "a message has from %dB, so that its number fits in, to %v", leastSize, quantity.Bytes(wire.MaxBody))
	case len(s.text) > wire.MaxBody-leastSize || !utf8.ValidString(s.text):
		r.fail(n.Line, fmt.Sprintf("the text has %d bytes", len(s.text)), "it has up to %d, in UTF-8", wire.MaxBody-leastSize)
	}
	return s
}

func (s *sendStep) String() string {
	what := s.size.String()
	if s.text != "" {
		what = fmt.Sprintf("%.20q", s.text)
	}
	much := ""
	if s.count > 0 {
		much = fmt.Sprintf(" %d times", s.count)
	}
	return fmt.Sprintf("send %s%s, %v from %s", what, much, s.rate, s.from)
}

// takes is how long so many messages take.
func (s *sendStep) takes(n int) time.Duration {
	return time.Duration(min(float64(n)*s.rate.Gap().Seconds(), 2*maxFor.Seconds()) * float64(time.Second))
}

func (s *sendStep) check(c *checker) {
	c.exist(s.from)
	if s.takes(s.count) > maxFor {
		c.fail(fmt.Sprintf("%d messages at %v take longer than %v", s.count, s.rate, maxFor), "send fewer, or more often")
	}
	c.sent, c.sending = true, true
}

func (s *sendStep) do(_ context.Context, r *run) error {
	var from []int // nil: whoever lives
	if strings.TrimSpace(string(s.from)) != "all" {
		picked, err := s.from.pick(r, true)
		if err != nil {
			return err
		}
		if from = picked; len(from) == 0 {
			return fmt.Errorf("%s: there is nobody to speak", s.from)
		}
	}
	r.speak(s, from)
	return nil
}

// stopStep stops everybody who speaks, or ends peers as SIGTERM does.
type stopStep struct {
	send  bool
	peers who
}

func readStop(r *reader, n *yaml.Node) action {
	if n.Kind == yaml.ScalarNode && n.Value == "send" {
		return &stopStep{send: true}
	}
	if null(n) {
		r.fail(n.Line, "stop says not what", "write stop: send, or which peers: stop: [1, 2]")
		return nil
	}
	if n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "send") {
		r.fail(n.Line, fmt.Sprintf("%q is no peer", n.Value), "to end what send began, write stop: send")
		return nil
	}
	return &stopStep{peers: r.peers(n, "stop")}
}

func (s *stopStep) String() string {
	if s.send {
		return "stop sending"
	}
	return "stop " + string(s.peers)
}

func (s *stopStep) needs() []fleet.Fault {
	if s.send {
		return nil
	}
	return []fleet.Fault{fleet.FaultStop}
}

func (s *stopStep) check(c *checker) {
	if !s.send {
		c.exist(s.peers)
		return
	}
	if !c.sending {
		c.fail("nobody sends here", "put a send before it, or leave it away")
	}
	c.sending = false
}

func (s *stopStep) do(ctx context.Context, r *run) error {
	if s.send {
		return r.hush(ctx)
	}
	return onPeers(ctx, r, "stop", s.peers, r.fleet.Stop)
}
