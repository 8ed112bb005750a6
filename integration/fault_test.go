package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Each fault proves that it took effect before it returns, by something that worked before and must fail now.
// Each is undone by the test, or ends with the containers.

// kill kills peers at once, each by SIGKILL.
func (m *Mesh) kill(peers ...*Peer) {
	m.t.Helper()
	m.events.add("kill %s", names(peers))
	must(m.t, "kill", each(peers, (*Peer).kill)) // it waits until the engine says that they are gone
}

// stop stops peers at once, each by SIGTERM.
func (m *Mesh) stop(peers ...*Peer) {
	m.t.Helper()
	m.events.add("stop %s", names(peers))
	must(m.t, "stop", each(peers, (*Peer).stop))
}

// pause freezes peers: their kernel goes on acknowledging what it is sent, and nobody answers.
func (m *Mesh) pause(peers ...*Peer) {
	m.t.Helper()
	m.events.add("pause %s", names(peers))
	must(m.t, "pause", each(peers, func(p *Peer) error {
		p.setAway(true)
		if _, err := m.docker.ContainerPause(context.Background(), p.id, client.ContainerPauseOptions{}); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if p.http().check(ctx, "/healthz") == nil {
			return errors.New("it is paused, and answers")
		}
		return nil
	}))
}

// unpause lets paused peers go on.
func (m *Mesh) unpause(peers ...*Peer) {
	m.t.Helper()
	m.events.add("go on, %s", names(peers))
	must(m.t, "unpause", each(peers, func(p *Peer) error {
		_, err := m.docker.ContainerUnpause(context.Background(), p.id, client.ContainerUnpauseOptions{})
		p.setAway(false)
		return err
	}))
}

// disconnect takes a peer off the network: it loses its interface, with its address. witness, another peer, cannot reach it any more.
func (m *Mesh) disconnect(p, witness *Peer) {
	m.t.Helper()
	_, err := p.lendHand()
	must(m.t, "lend a hand to "+p.name, err)
	hand, err := witness.lendHand()
	must(m.t, "lend a hand to "+witness.name, err)
	dial := func() error { return hand.do("dial", p.addr.String(), patience) }
	must(m.t, witness.name+" reaches "+p.name+" before the cut", dial())
	m.events.add("disconnect %s", p.name)
	p.setAway(true)
	_, err = m.docker.NetworkDisconnect(context.Background(), m.network.ID, client.NetworkDisconnectOptions{Container: p.id})
	must(m.t, "disconnect", err)
	if dial() == nil {
		m.t.Fatalf("%s is disconnected, and %s reaches it", p.name, witness.name)
	}
}

// connect puts a peer back on the network, by a new interface.
func (m *Mesh) connect(p *Peer) {
	m.t.Helper()
	m.events.add("connect %s", p.name)
	_, err := m.docker.NetworkConnect(context.Background(), m.network.ID, client.NetworkConnectOptions{
		Container: p.id, EndpointConfig: &mobynet.EndpointSettings{Aliases: []string{p.name, peerAlias}},
	})
	must(m.t, "connect", err)
	must(m.t, "find it again", p.locate())
	p.setAway(false)
}

// patience is how long a probe may take, in milliseconds. Between containers it needs one; the first SYN that is dropped
// would be sent again after a second.
const patience = "300"

// partition cuts the network so that only peers of one group reach each other, and proves it: TCP and multicast pass between all before, and
// afterwards within the groups alone. The function that it returns undoes it, and proves that too.
func (m *Mesh) partition(groups ...[]*Peer) (heal func()) {
	m.t.Helper()
	var all []*Peer
	for _, g := range groups {
		all = append(all, g...)
	}
	must(m.t, "lend hands", each(all, func(p *Peer) error { _, err := p.lendHand(); return err }))
	whole := map[*Peer][]*Peer{}
	parts := map[*Peer][]*Peer{}
	for _, g := range groups {
		for _, p := range g {
			whole[p], parts[p] = all, g
		}
	}
	must(m.t, "before the cut", m.reach(all, whole, "before"))
	m.events.add("cut %s", sides(groups))
	must(m.t, "cut", each(all, func(p *Peer) error { return p.hand.do(append([]string{"cut"}, macs(all, parts[p])...)...) }))
	must(m.t, "after the cut", m.reach(all, parts, "cut"))
	return func() {
		m.t.Helper()
		m.events.add("heal")
		must(m.t, "heal", each(all, func(p *Peer) error { return p.hand.do("heal") }))
		must(m.t, "after the cut was healed", m.reach(all, whole, "healed"))
	}
}

func sides(groups [][]*Peer) string {
	var out []string
	for _, g := range groups {
		out = append(out, names(g))
	}
	return strings.Join(out, " | ")
}

// macs are the hardware addresses of all but some.
func macs(all, but []*Peer) []string {
	not := map[*Peer]bool{}
	for _, p := range but {
		not[p] = true
	}
	var out []string
	for _, p := range all {
		if !not[p] {
			out = append(out, p.mac)
		}
	}
	return out
}

// reach checks by TCP and by multicast that each peer reaches those it should, and no other.
func (m *Mesh) reach(all []*Peer, should map[*Peer][]*Peer, when string) error {
	token := func(p *Peer) string { return fmt.Sprintf("%s-%s-%d", p.name, when, m.events.count()) }
	tokens := map[*Peer]string{}
	for _, p := range all {
		tokens[p] = token(p)
	}
	if err := each(all, func(p *Peer) error { return p.hand.do("shout", tokens[p]) }); err != nil {
		return err
	}
	return each(all, func(p *Peer) error {
		yes := map[*Peer]bool{}
		for _, other := range should[p] {
			yes[other] = true
		}
		var errs []error
		for _, other := range all {
			if other == p {
				continue
			}
			// Those that should be heard are waited for. By the time that they and the dials are done, the others' shouts
			// would have come as well, so nobody waits for what should not come.
			if yes[other] {
				errs = append(errs, p.hand.do("heard", tokens[other], "2000"), p.hand.reach(other.addr))
				continue
			}
			if p.hand.do("dial", other.addr.String(), patience) == nil {
				errs = append(errs, fmt.Errorf("it reaches %s by TCP", other.name))
			}
			if p.hand.do("heard", tokens[other], strconv.Itoa(0)) == nil {
				errs = append(errs, fmt.Errorf("it hears %s by multicast", other.name))
			}
		}
		return errors.Join(errs...)
	})
}

// reach dials until it succeeds, or has had time enough: for a second or so after a cut, a kernel
// still believes that nobody has that address.
func (h *Hand) reach(addr netip.Addr) error {
	for begun := time.Now(); ; time.Sleep(poll) {
		err := h.do("dial", addr.String(), "2000")
		if err == nil || time.Since(begun) > 5*time.Second {
			return err
		}
	}
}
