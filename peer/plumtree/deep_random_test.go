package plumtree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"hearsay/peer/wire"
)

// How many small worlds TestWhoIsOwedWhatGetsIt plays, and from which seed. A hundred thousand take a minute or two.
const (
	smallWorlds     = 300
	firstSmallWorld = uint64(1)
)

// TestWhoIsOwedWhatGetsIt plays small worlds, where peers start, publish, meet, part and die over half a minute or so,
// on links that are slow or not. Then all that ends, and the living are linked. Whoever lives gets, within minutes,
// what was published since it started, or ever if it is to have the history, as far as somebody living holds it and
// nothing comes before that may be owed to it and nobody holds. Nothing is passed over, and at last nobody asks much any
// more. Who is owed what is by the network's clock, which the peers do not know. A world takes up to six minutes, so
// that nothing expires.
func TestWhoIsOwedWhatGetsIt(t *testing.T) {
	for i := range smallWorlds {
		seed := firstSmallWorld + uint64(i)
		w := newWorld(seed)
		if err := w.play(); err != nil {
			w.shrink()
			t.Fatalf("seed %d: %v\nand with what is left when all is left out that need not be:\n%s\n%v", seed, err, w, w.play())
		}
	}
}

// world is one story, as a list of what happens. What makes no sense when its turn comes does not happen, so that any
// of it can be left out.
type world struct {
	seed    uint64
	latency time.Duration // of one direction of a link, at most
	small   bool          // some retain little, so that what is owed may be gone
	steps   []happening
}

type happening struct {
	wait time.Duration // before it
	do   string
	a, b int              // peers, in the order in which they may start
	k    int              // how many messages, bytes retained, or a queue's mark
	late [2]time.Duration // a new link's latencies
}

func (h happening) String() string {
	return fmt.Sprintf("after %v: %s %d %d (%d, %v)", h.wait, h.do, h.a, h.b, h.k, h.late)
}

func (w *world) String() string {
	var s strings.Builder
	for _, h := range w.steps {
		fmt.Fprintln(&s, h)
	}
	return s.String()
}

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{seed: seed, small: rng.IntN(8) == 0}
	w.latency = []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second}[rng.IntN(7)]
	if rng.IntN(3) == 0 {
		w.meet(rng)
		return w
	}
	started, peers := 0, 3+rng.IntN(7)
	start := func(wait time.Duration) {
		h := happening{wait: wait, do: "start", a: started}
		if rng.IntN(6) == 0 {
			h.do = "start with history"
		}
		if w.small && rng.IntN(2) == 0 {
			h.k = 1 + rng.IntN(3000)
		}
		w.steps = append(w.steps, h)
		started++
	}
	start(0)
	start(0)
	often := []string{"publish", "publish", "publish", "join", "join", "join", "join", "cut", "cut"}
	for _, more := range [][]string{{"kill"}, {"hold", "let go"}, {"mark", "unmark"}} {
		if rng.IntN(3) == 0 {
			often = append(often, more...)
		}
	}
	pause := 2 * 30 * time.Second / time.Duration(6*peers)
	for range 6 * peers {
		wait := time.Duration(rng.Int64N(int64(pause)))
		if rng.IntN(3) == 0 {
			wait /= 100
		}
		if started < peers && rng.IntN(4) == 0 {
			start(wait)
			if rng.IntN(2) == 0 {
				w.steps = append(w.steps, happening{do: "join", a: started - 1, b: rng.IntN(started - 1), late: w.lateness(rng)})
			}
			continue
		}
		h := happening{wait: wait, do: often[rng.IntN(len(often))], a: rng.IntN(started), b: rng.IntN(started)}
		switch h.do {
		case "publish":
			h.k = 1 + rng.IntN(3)
			if rng.IntN(4) == 0 {
				h.k = 1 + rng.IntN(40)
			}
		case "join":
			h.late = w.lateness(rng)
		case "mark":
			h.k = 1 + rng.IntN(2000)
		}
		w.steps = append(w.steps, h)
	}
	return w
}

// meet makes a world where old peers, who have each got another part of what the first said, meet in newcomers, who have
// skipped it.
func (w *world) meet(rng *rand.Rand) {
	do := func(pause time.Duration, h happening) {
		h.wait, h.late = time.Duration(rng.Int64N(int64(pause))), w.lateness(rng)
		w.steps = append(w.steps, h)
	}
	olds, news := 2+rng.IntN(3), 1+rng.IntN(4)
	for i := range olds + 1 {
		kind := "start"
		if i > 0 && rng.IntN(4) == 0 {
			kind = "start with history"
		}
		do(3*time.Second, happening{do: kind, a: i})
	}
	for range 4 * olds {
		what := []string{"join", "cut", "publish"}[rng.IntN(3)]
		do(3*time.Second, happening{do: what, b: 1 + rng.IntN(olds), k: 1 + rng.IntN(4)})
	}
	for range 4 {
		do(time.Second, happening{do: "cut"})
	}
	all := olds + 1 + news
	for i := olds + 1; i < all; i++ {
		do(4*time.Second, happening{do: "start", a: i})
		if rng.IntN(3) > 0 {
			do(time.Second, happening{do: "join", b: i})
		}
		if rng.IntN(3) == 0 {
			do(time.Second, happening{do: "publish", k: 1 + rng.IntN(3)})
		}
	}
	if rng.IntN(4) > 0 {
		do(10*time.Second, happening{do: "kill"})
	}
	for range 3 * (olds + news) {
		what := "join"
		if rng.IntN(4) == 0 {
			what = "cut"
		}
		do(3*time.Second, happening{do: what, a: olds + 1 + rng.IntN(news), b: 1 + rng.IntN(all-1)})
	}
}

func (w *world) lateness(rng *rand.Rand) (d [2]time.Duration) {
	for i := range d {
		d[i] = 100*time.Microsecond + time.Duration(rng.Int64N(int64(w.latency)))
	}
	return d
}

// kind tells failures of different causes apart, by their first words.
func kind(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	words := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, line)
	return fmt.Sprint(words[:min(len(words), 16)], strings.Contains(line, "held: true"))
}

// shrink leaves out what need not happen for the world to fail in the same way.
func (w *world) shrink() {
	why := kind(w.play())
	for n := len(w.steps) / 2; n > 0; {
		shrunk := false
		for i := 0; i+n <= len(w.steps) && n < len(w.steps); {
			v := *w
			v.steps = slices.Delete(slices.Clone(w.steps), i, i+n)
			if i < len(v.steps) {
				for _, h := range w.steps[i : i+n] {
					v.steps[i].wait += h.wait
				}
			}
			if err := v.play(); err == nil || kind(err) != why {
				i += n
				continue
			}
			w.steps, shrunk = v.steps, true
		}
		if !shrunk {
			n /= 2
		}
	}
}

// smallWorldFailed is how a network's Fatalf comes out of it.
type smallWorldFailed struct{ error }

func (w *world) Helper()             {}
func (w *world) Logf(string, ...any) {}
func (w *world) Fatalf(format string, args ...any) {
	panic(smallWorldFailed{fmt.Errorf(format, args...)})
}

func (w *world) play() (err error) {
	defer func() {
		if x := recover(); x != nil {
			if f, ok := x.(smallWorldFailed); ok {
				err = f
				return
			}
			err = fmt.Errorf("panic: %v", x)
		}
	}()
	n := newNetwork(w, w.seed)
	n.stepped = n.check
	peers := map[int]*peer{}
	held, holds := map[*cable]time.Time{}, time.Duration(0)
	letGo := func(c *cable) {
		if c.hold {
			c.hold = false
			holds += n.now.Sub(held[c])
		}
	}
	for _, h := range w.steps {
		n.run(h.wait)
		if strings.HasPrefix(h.do, "start") {
			peers[h.a] = n.start(func(c *Config) {
				c.History = h.do != "start"
				if h.k > 0 {
					c.RetainBytes = h.k
				}
			})
			continue
		}
		p, q := peers[h.a], peers[h.b]
		if p == nil || p.dead {
			continue
		}
		switch h.do {
		case "publish":
			p.say(h.k)
		case "kill":
			if len(n.live()) > 2 {
				n.kill(p)
			}
		case "join":
			if q != nil && q != p && !q.dead && !n.linked(p, q) && len(p.cables) < 4 && len(q.cables) < 4 {
				n.latency(h.late)
				n.join(p, q)
			}
		case "cut":
			if len(p.cables) > 0 {
				n.cut(p, p.cables[h.b%len(p.cables)].to.from)
			}
		case "hold":
			if len(p.cables) > 0 {
				c := p.cables[h.b%len(p.cables)]
				if !c.hold {
					c.hold, held[c] = true, n.now
				}
			}
		case "let go":
			for _, c := range p.cables {
				letGo(c)
			}
		case "mark":
			if len(p.cables) > 0 {
				p.cables[h.b%len(p.cables)].mark = h.k
			}
		case "unmark":
			p.unmark()
		}
	}
	for _, p := range n.live() {
		p.unmark()
		for _, c := range p.cables {
			letGo(c)
		}
	}
	w.connect(n)
	for range 60 {
		n.run(5 * time.Second)
		if w.lacking(n) == nil {
			break
		}
	}
	if err := errors.Join(w.lacking(n), w.wrong(n, holds)); err != nil {
		return err
	}
	n.run(30 * time.Second)
	before := n.asks()
	n.run(time.Minute)
	asks := n.asks() - before
	if most := n.inVain(); asks > most && !w.small {
		return fmt.Errorf("%d asks and answers in a minute, when nothing happens, and there may be %d", asks, most)
	}
	return errors.Join(w.lacking(n), w.wrong(n, holds))
}

func (n *network) latency(d [2]time.Duration) {
	n.delay = func() time.Duration { d[0], d[1] = d[1], d[0]; return d[1] }
}

func (p *peer) unmark() {
	for _, c := range p.cables {
		c.mark = 0
		if c.full {
			c.full = false
			p.tree.Full(p.net.now, c.conn, false)
		}
	}
	p.perform()
}

// connect adds as few links as make one component of the living.
func (w *world) connect(n *network) {
	rng := rand.New(rand.NewPCG(w.seed, 8))
	live := n.live()
	if len(live) == 0 {
		return
	}
	reached := live[:1:1]
	for next := 0; len(reached) < len(live); {
		for ; next < len(reached); next++ {
			for _, c := range reached[next].cables {
				if q := c.to.from; !slices.Contains(reached, q) {
					reached = append(reached, q)
				}
			}
		}
		out := slices.DeleteFunc(slices.Clone(live), func(p *peer) bool { return slices.Contains(reached, p) })
		if len(out) > 0 {
			n.latency(w.lateness(rng))
			p := reached[rng.IntN(len(reached))]
			if rng.IntN(2) == 0 { // through the youngest
				p = slices.MaxFunc(reached, func(p, q *peer) int { return p.started.Compare(q.started) })
			}
			n.join(p, out[rng.IntN(len(out))])
			next = 0
		}
	}
}

// check looks at what must hold after every step.
func (n *network) check() {
	for _, p := range n.peers {
		if p.dead {
			continue
		}
		if err := p.tree.Check(); err != nil {
			n.t.Fatalf("%s: %v", p.name, err)
		}
	}
}

func (n *network) asks() (sum int) {
	for _, p := range n.peers {
		for _, c := range p.cables {
			sum += c.verbs[wire.VerbWant] + c.verbs[wire.VerbGraft] + c.verbs[wire.VerbGone]
		}
	}
	return sum
}

// owed reports whether p is owed what o published as seq.
func (p *peer) owed(o *peer, seq uint64) bool {
	return p != o && (p.tree.cfg.History || !o.when[wire.MessageID(o.origin, seq)].Before(p.started))
}

// lacking says what somebody cannot go on from, though it is to be had or known not to be owed to him. What comes after
// it at its origin waits for it, and so do those who can hear of that only through him. So it is enough to look at what
// is next for each, if a neighbor is beyond it.
func (w *world) lacking(n *network) error {
	if w.small {
		return nil
	}
	for _, o := range n.peers {
		for _, p := range n.live() {
			next := p.mark(o) + 1
			for _, seq := range p.missing(o, next-1) {
				return fmt.Errorf("%s counts %d as settled, and has passed over %s", p.name, next-1, n.said(p, o, seq))
			}
			if err := n.stuck(p, o, next); err != nil {
				return err
			}
		}
	}
	return nil
}

// stuck reports whether p does not go on from seq of o though it can: the way to whoever holds it, or knows that it is
// older than p, is through those who have got so far. Each who passes on what p asks allows for its word to be late.
func (n *network) stuck(p, o *peer, seq uint64) error {
	late := n.doubt()
	seen := []*peer{p}
	for edge := seen; len(edge) > 0; {
		late += startSlack
		var next []*peer
		for _, x := range edge {
			for _, c := range x.cables {
				q := c.to.from
				if slices.Contains(seen, q) || q.mark(o) < seq {
					continue
				}
				seen, next = append(seen, q), append(next, q)
				at := q.tree.origins.findName(o.origin)
				_, _, held := at.log.find(seq)
				if held || !p.tree.cfg.History && seq <= at.skipped && q.tree.when(at.skippedAt).Before(p.started.Add(-late)) {
					return fmt.Errorf("%s waits, and need not wait for %s, as %s knows (held: %v)\n%s", p.name, n.said(p, o, seq), q.name, held, n.table(o))
				}
			}
		}
		edge = next
	}
	return nil
}

// doubt is by how much peers have come to doubt, all together, that their word is in time.
func (n *network) doubt() (sum time.Duration) {
	for _, p := range n.live() {
		for _, l := range p.tree.links {
			sum += l.doubt
		}
	}
	return sum
}

func (n *network) said(p, o *peer, seq uint64) string {
	epoch := time.Unix(1e9, 0)
	return fmt.Sprintf("%d of %s, said at %v (%s is up since %v)", seq, o.name, o.when[wire.MessageID(o.origin, seq)].Sub(epoch), p.name, p.started.Sub(epoch))
}

// mark is up to where p knows what became of o's messages.
func (p *peer) mark(o *peer) uint64 {
	if at := p.tree.origins.findName(o.origin); at != nil {
		return at.upto
	}
	return 0
}

// missing is what p is owed of o up to last, and has not got.
func (p *peer) missing(o *peer, last uint64) (list []uint64) {
	for seq := uint64(1); seq <= last && p != o; seq++ {
		if p.owed(o, seq) && !p.has(o, seq) {
			list = append(list, seq)
		}
	}
	return list
}

// drift is by how much a message may seem younger than it is: it does not age on the wire.
func (w *world) drift(n *network, holds time.Duration) time.Duration {
	return time.Duration(len(n.peers)-1)*(w.latency+100*time.Microsecond+ageSlack) + holds
}

// wrong says what nobody may have done.
func (w *world) wrong(n *network, holds time.Duration) error {
	for _, o := range n.peers {
		for _, p := range n.peers {
			for _, seq := range p.got[o.origin] {
				if before := p.started.Sub(o.when[wire.MessageID(o.origin, seq)]); !p.tree.cfg.History && before > w.drift(n, holds) {
					return fmt.Errorf("%s has got what is older than it is: %s", p.name, n.said(p, o, seq))
				}
			}
			if k := len(p.got[o.origin]); k > 0 && !w.small {
				for _, seq := range p.missing(o, p.got[o.origin][k-1]) {
					return fmt.Errorf("%s has passed over %s", p.name, n.said(p, o, seq))
				}
			}
			if at := p.tree.origins.findName(o.origin); at != nil && at.skipped > 0 && !w.small && p.tree.when(at.skippedAt).Before(o.when[wire.MessageID(o.origin, at.skipped)]) {
				return fmt.Errorf("%s takes it to be older than it is: %s", p.name, n.said(p, o, at.skipped))
			}
			if s := p.tree.Stats(); s.Lost > 0 && !w.small {
				return fmt.Errorf("%s gave up messages: %+v", p.name, s)
			}
		}
	}
	return nil
}

// inVain is how many asks and answers there may be in a minute: for what somebody may wait for and nobody living holds,
// and if there is no such message, for what somebody was asked who has not been told that it came another way.
func (n *network) inVain() int {
	for _, o := range n.peers {
		for seq := range uint64(len(o.texts)) {
			if !n.survives(o, seq+1) {
				return 40 * len(n.live())
			}
		}
	}
	return 10 * len(n.live())
}
