package hook

import (
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/node"
	"hearsay/peer/wire"
)

const (
	// receiveQueue is how many datagrams wait for the node, as in package discovery. Any more are dropped there.
	receiveQueue = 64
	// maxLateDatagrams bounds those that a delay holds back; any more are lost.
	maxLateDatagrams = 256
)

// multicast is announcements under the rules. Who sent one is known by the port that it announces, since that is
// where he listens.
type multicast struct {
	node.Multicast
	network *network
	out     chan discovery.Datagram
	closing chan struct{}
	once    sync.Once
	late    chan struct{} // a token for each datagram that is held back
	done    sync.WaitGroup
}

func newMulticast(m node.Multicast, n *network) *multicast {
	g := &multicast{
		Multicast: m, network: n, out: make(chan discovery.Datagram, receiveQueue), closing: make(chan struct{}),
		late: make(chan struct{}, maxLateDatagrams),
	}
	g.done.Go(g.receive)
	return g
}

func (g *multicast) Send(data []byte) error {
	return g.send(func() error { return g.Multicast.Send(data) })
}

func (g *multicast) SendTo(data []byte, to netip.AddrPort) error {
	return g.send(func() error { return g.Multicast.SendTo(data, to) })
}

// send sends now, later or never. What is lost on the way is no error of the sender's.
func (g *multicast) send(now func() error) error {
	l := &g.network.law
	s := l.now.Load()
	switch {
	case s.CutAll || s.lost():
		l.datagrams.Add(1)
		return nil
	case s.Delay == 0:
		return now()
	}
	select {
	case g.late <- struct{}{}:
	default:
		l.datagrams.Add(1)
		return nil
	}
	l.late.Add(1)
	// Not 0: a timer that is due when it is set crashes the race detector in a synctest bubble (Go 1.26).
	time.AfterFunc(max(time.Nanosecond, s.late()), func() {
		<-g.late
		if !closed(g.closing) {
			now()
		}
	})
	return nil
}

// Receive returns what passes the rules.
func (g *multicast) Receive() <-chan discovery.Datagram { return g.out }

func (g *multicast) receive() {
	defer close(g.out)
	for d := range g.Multicast.Receive() {
		port, token := senderOf(d.Data)
		if s := g.network.law.now.Load(); !d.Own && s.cuts(netip.AddrPortFrom(d.From.Addr(), port)) {
			g.network.law.datagrams.Add(1)
			continue
		}
		if token != "" {
			g.network.heard.add(token, netip.AddrPortFrom(d.From.Addr(), port).String())
			continue
		}
		select {
		case g.out <- d:
		case <-g.closing:
		}
	}
}

func (g *multicast) Close() error {
	g.once.Do(func() { close(g.closing) })
	err := g.Multicast.Close()
	g.done.Wait()
	return err
}

// A probe is a datagram by which a lab proves who hears whom. It goes the way of announcements: the same sockets,
// the same rule. Delay and loss alone do not concern it.
const probe = "HEARSAY-LAB probe "

func (g *multicast) probe(token string, port uint16) error {
	if g.network.law.now.Load().CutAll {
		g.network.law.datagrams.Add(1)
		return nil
	}
	return g.Multicast.Send([]byte(probe + strconv.Itoa(int(port)) + " " + token))
}

// senderOf returns the port where the sender of a datagram listens for links, zero if it does not say, and the
// token if it is a probe.
func senderOf(data []byte) (port uint16, token string) {
	if text, ok := strings.CutPrefix(string(data), probe); ok {
		number, token, _ := strings.Cut(text, " ")
		n, _ := strconv.ParseUint(number, 10, 16)
		return uint16(n), token
	}
	a, err := wire.ParseAnnouncement(data)
	if err != nil {
		return 0, ""
	}
	return a.Port, ""
}

// maxTokens bounds the probes that are remembered; the oldest is forgotten.
const maxTokens = 64

// heard remembers who sent which probe.
type heard struct {
	mu    sync.Mutex
	order []string
	from  map[string]map[string]bool
	again chan struct{} // closed at each probe
}

func (h *heard) init() {
	h.from = map[string]map[string]bool{}
	h.again = make(chan struct{})
}

func (h *heard) add(token, from string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.from[token] == nil {
		if len(h.order) == maxTokens {
			delete(h.from, h.order[0])
			h.order = h.order[1:]
		}
		h.order = append(h.order, token)
		h.from[token] = map[string]bool{}
	}
	h.from[token][from] = true
	close(h.again)
	h.again = make(chan struct{})
}

// wait returns who sent the token, once all that should have did or patience is over.
func (h *heard) wait(token string, should []string, patience time.Duration, end <-chan struct{}) (all []string) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		h.mu.Lock()
		again, from, missing := h.again, h.from[token], false
		for _, s := range should {
			missing = missing || !from[s]
		}
		all = all[:0]
		for f := range from {
			all = append(all, f)
		}
		h.mu.Unlock()
		if !missing {
			return all
		}
		select {
		case <-again:
		case <-timer.C:
			return all
		case <-end:
			return all
		}
	}
}
