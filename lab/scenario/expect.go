package scenario

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/quantity"
)

// claimReaders read what stands behind an expectation's name.
var claimReaders = map[string]func(*reader, *yaml.Node) claim{
	"lost":         readNone("lost"),
	"duplicated":   readNone("duplicated"),
	"out-of-order": readNone("out-of-order"),
	"unexpected":   readNone("unexpected"),
	"meshed":       readMeshed,
	"delivered":    readDelivered,
	"rmr":          readRMR,
	"traced":       readTraced,
}

// claimExamples show how each is written.
var claimExamples = map[string]string{
	"lost": "lost: 0", "duplicated": "duplicated: 0", "out-of-order": "out-of-order: 0", "unexpected": "unexpected: 0",
	"meshed": "meshed: {within: 5s, after: heal}", "delivered": "delivered: {within: 5s, after: heal}",
	"rmr": "rmr: {at-most: 0.1, when: steady}", "traced": "traced: {at-least: 100%}",
}

// noneClaim is about what must not happen to messages, or not more often than so.
type noneClaim struct {
	kind string
	most int
}

func readNone(kind string) func(*reader, *yaml.Node) claim {
	return func(r *reader, n *yaml.Node) claim {
		return &noneClaim{kind, r.whole(n, kind, 0, maxDeliveries)}
	}
}

func (c *noneClaim) want() string {
	if c.most == 0 {
		return "0"
	}
	return fmt.Sprintf("at most %d", c.most)
}

func (c *noneClaim) check(k *checker) { k.spoken() }

func (c *noneClaim) judge(r *run) (string, bool) {
	j := r.judged
	n := map[string]int{
		"lost": j.lost, "duplicated": r.ledger.wrong[duplicated].count,
		"out-of-order": r.ledger.wrong[outOfOrder].count, "unexpected": r.ledger.wrong[unexpected].count,
	}[c.kind]
	// A ledger that has not heard everything cannot clear anybody, and nor can one with nothing in it.
	switch blind := r.blind(); {
	case blind > 0:
		return fmt.Sprintf("%d, but %d events of peers could not be listened to", n, blind), false
	case j.owed == 0:
		return fmt.Sprintf("%d, but no delivery was owed to anybody", n), false
	}
	return fmt.Sprint(n), n <= c.most
}

// withinClaim is about how long something takes after each step of a kind.
type withinClaim struct {
	within time.Duration
	after  string // empty until checked: the last step that shakes anything
}

func (c *withinClaim) read(r *reader, n *yaml.Node, kind string) {
	r.mapping(n, kind, fields{
		"within": func(n *yaml.Node) { c.within = r.duration(n, "within") },
		"after":  func(n *yaml.Node) { c.after = r.text(n, "after") },
	})
	if c.within == 0 && n.Kind == yaml.MappingNode {
		r.fail(n.Line, kind+" says not within what time", "write %s", claimExamples[kind])
	}
}

func (c *withinClaim) want() string            { return fmt.Sprintf("within %v after %s", c.within, c.after) }
func (c *withinClaim) patience() time.Duration { return c.within }

func (c *withinClaim) check(k *checker) {
	if c.after == "" {
		c.after = k.lastShaking()
	}
	k.after(c.after)
}

// marks are those that it counts from.
func (c *withinClaim) marks(r *run) (list []*Mark) {
	for i := range r.marks {
		if r.marks[i].Kind == c.after {
			list = append(list, &r.marks[i])
		}
	}
	return list
}

// meshedClaim is about how long the mesh takes to be whole.
type meshedClaim struct{ withinClaim }

func readMeshed(r *reader, n *yaml.Node) claim {
	c := &meshedClaim{}
	c.read(r, n, "meshed")
	return c
}

func (c *meshedClaim) judge(r *run) (string, bool) {
	worst := time.Duration(-1)
	for _, m := range c.marks(r) {
		if m.Meshed < 0 {
			return fmt.Sprintf("not in %s after %q: %s", short(r.lasted-m.From()), m.Text, r.watch.shape.why), false
		}
		worst = max(worst, m.Meshed)
	}
	if worst < 0 {
		return fmt.Sprintf("the run never came to a step %q", c.after), false
	}
	return short(worst), worst <= c.within
}

// deliveredClaim is about how long it takes until all that was said before is everywhere.
type deliveredClaim struct{ withinClaim }

func readDelivered(r *reader, n *yaml.Node) claim {
	c := &deliveredClaim{}
	c.read(r, n, "delivered")
	return c
}

func (c *deliveredClaim) check(k *checker) {
	c.withinClaim.check(k)
	k.spoken()
	if c.after == begin {
		k.fail("nothing is said before the peers begin", "say after which step: %s", claimExamples["delivered"])
	}
}

func (c *deliveredClaim) judge(r *run) (string, bool) {
	worst, owed := time.Duration(-1), 0
	for _, m := range c.marks(r) {
		at := r.began.Add(m.From())
		for i, s := range r.ledger.said {
			f := &r.judged.fates[i]
			if s.begun.After(at) || f.owed == 0 {
				continue
			}
			owed += f.owed
			if f.made < f.owed {
				return fmt.Sprintf("message %d never reached %s", s.n, f.lacking[0]), false
			}
			worst = max(worst, f.last.Sub(at))
		}
	}
	if owed == 0 {
		return fmt.Sprintf("nothing that was said before a step %q is owed to those who live now", c.after), false
	}
	return short(max(0, worst)), worst <= c.within
}

// rmrClaim is about how many copies are received in vain.
type rmrClaim struct {
	most   float64
	always bool // not only while nothing is broken
}

func readRMR(r *reader, n *yaml.Node) claim {
	c := &rmrClaim{most: -1}
	r.mapping(n, "rmr", fields{
		"at-most": func(n *yaml.Node) { c.most = r.decimal(n, "at-most", 0, 1000) },
		"when": func(n *yaml.Node) {
			switch s := r.text(n, "when"); s {
			case "always":
				c.always = true
			case "steady", "":
			default:
				r.fail(n.Line, fmt.Sprintf("when is %q", s), "it is steady (nothing is broken, and has not been for %v) or always", calmAfter)
			}
		},
	})
	if c.most < 0 && n.Kind == yaml.MappingNode {
		r.fail(n.Line, "rmr says not how much", "write %s", claimExamples["rmr"])
	}
	return c
}

func (c *rmrClaim) want() string {
	when := "steady"
	if c.always {
		when = "always"
	}
	return fmt.Sprintf("at most %g, %s", c.most, when)
}

func (c *rmrClaim) check(k *checker) { k.spoken() }

func (c *rmrClaim) judge(r *run) (string, bool) {
	of := r.watch.calm.total
	if c.always {
		of = r.watch.total
	}
	v := of.rmr()
	if v < 0 {
		return fmt.Sprintf("never measured: nothing was delivered in a time without faults; let people speak for %v or more before the first", 2*calmAfter), false
	}
	return fmt.Sprintf("%.3f", v), v <= c.most
}

// tracedClaim is about the share of messages whose trace is one tree over all who have it.
type tracedClaim struct{ least quantity.Share }

func readTraced(r *reader, n *yaml.Node) claim {
	c, before := &tracedClaim{least: -1}, len(r.errs)
	r.mapping(n, "traced", fields{
		"at-least": func(n *yaml.Node) { r.amount(n, "at-least", &c.least) },
	})
	if c.least < 0 && n.Kind == yaml.MappingNode && len(r.errs) == before {
		r.fail(n.Line, "traced says not of how many", "write %s", claimExamples["traced"])
	}
	return c
}

func (c *tracedClaim) want() string     { return "at least " + c.least.String() }
func (c *tracedClaim) check(k *checker) { k.spoken() }

func (c *tracedClaim) judge(r *run) (string, bool) {
	t := r.traced()
	switch {
	case t.of == 0:
		return "no message was owed to anybody", false
	case t.dropped > 0:
		return fmt.Sprintf("not measured: there was no room for %d spans of %d; send less, or among fewer peers", t.dropped, t.dropped+maxSpans), false
	}
	share := float64(t.whole) / float64(t.of)
	got := fmt.Sprintf("%.4g%% (%d of %d)", 100*share, t.whole, t.of)
	if t.first != "" {
		got += ": " + t.first
	}
	return got, share >= float64(c.least)
}
