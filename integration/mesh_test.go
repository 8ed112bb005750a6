package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
)

// A Mesh is a number of peers on a bridge network of their own. It ends with its test, which then also fails
// if anything was delivered that should not have been.
type Mesh struct {
	t       testing.TB
	docker  *client.Client
	network *testcontainers.DockerNetwork
	name    string
	env     map[string]string
	image   string
	ledger  *Ledger
	tracing *Tracing // nil without
	events  events

	peers []*Peer // in the order of their numbers; those that are down too

	mu       sync.Mutex
	stoppers []func() // of speakers, ended before the last judgement
	closers  []func()
}

// Option changes a mesh before it starts.
type Option func(*Mesh)

// Env sets a variable of every peer's environment.
func Env(key, value string) Option { return func(m *Mesh) { m.env[key] = value } }

// Image has the peers run another image than the one that is built for these tests.
func Image(name string) Option { return func(m *Mesh) { m.image = name } }

// JoinOnly switches multicast off: peers find each other by the name that all of them share.
func JoinOnly(m *Mesh) {
	m.env["PEER_GROUP"] = "none"
	m.env["PEER_JOIN"] = peerAlias
}

// peerAlias is a DNS name of every peer in its network, as a service's name is in compose.
const peerAlias = "peer"

// newMesh makes a network without a peer. Unless [Traced] is among the options, peers are told of no collector.
func newMesh(t testing.TB, options ...Option) *Mesh {
	t.Helper()
	docker := needDocker(t)
	m := &Mesh{t: t, docker: docker, ledger: newLedger(), env: map[string]string{
		"PEER_HTTP": "0.0.0.0:7070",
		"PEER_JSON": "true",
	}}
	m.events.begun = m.ledger.begun
	m.name = fmt.Sprintf("hearsay-%s-%s-%04x", slug(t.Name()), run, rand.Uint32N(1<<16))
	t.Cleanup(m.close)
	for _, option := range options {
		option(m)
	}
	if m.image == "" {
		image, err := peerImage.image(docker)
		must(t, "image", err)
		m.image = image
	}
	n, err := network.New(t.Context(), network.WithLabels(labels()), network.WithAttachable())
	if err != nil {
		t.Fatalf("create a network: %v", err)
	}
	m.network = n
	if m.tracing != nil {
		m.tracing.start(m)
	}
	return m
}

// slug makes a test's name fit for Docker.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s)
}

// grow adds peers and waits until all of them answer. It returns the new ones.
func (m *Mesh) grow(n int, options ...Option) []*Peer {
	m.t.Helper()
	own := &Mesh{env: maps.Clone(m.env)}
	for _, option := range options {
		option(own)
	}
	first := len(m.peers)
	fresh := make([]*Peer, n)
	for i := range fresh {
		fresh[i] = &Peer{mesh: m, name: fmt.Sprintf("peer-%d", first+i+1), image: m.image, env: own.env}
		m.peers = append(m.peers, fresh[i])
	}
	m.events.add("start %s", names(fresh))
	must(m.t, "create peers", each(fresh, (*Peer).create))
	m.events.add("created")
	m.start(fresh...)
	return fresh
}

// start starts peers that are made but down, all at once, and waits until each answers.
func (m *Mesh) start(peers ...*Peer) {
	m.t.Helper()
	must(m.t, "start peers", each(peers, (*Peer).start))
	must(m.t, "wait for peers to answer", each(peers, (*Peer).awaitUp))
}

// up returns the peers that run, but those that are paused or cut off.
func (m *Mesh) up() []*Peer {
	var up []*Peer
	for _, p := range m.peers {
		if p.answers() {
			up = append(up, p)
		}
	}
	return up
}

// statuses asks every peer that runs.
func (m *Mesh) statuses() ([]Status, error) { return statuses(m.up()) }

func statuses(peers []*Peer) ([]Status, error) {
	out := make([]Status, len(peers))
	err := eachIndex(peers, func(i int, p *Peer) (err error) {
		out[i], err = p.status()
		return err
	})
	return out, err
}

// awaitMeshed waits until the peers that run are one healthy mesh, and returns how long that took.
func (m *Mesh) awaitMeshed(within time.Duration, strangers ...string) time.Duration {
	m.t.Helper()
	took := eventually(m.t, within, fmt.Sprintf("%d peers are one mesh", len(m.up())), func() error {
		s, err := m.statuses()
		if err != nil {
			return err
		}
		return meshed(s, strangers...)
	})
	m.events.add("one mesh of %d, after %v", len(m.up()), took.Round(time.Millisecond))
	return took
}

// awaitHeard waits until every peer that lives has heard all that it is owed, and nothing else is wrong.
func (m *Mesh) awaitHeard(within time.Duration) time.Duration {
	m.t.Helper()
	took := eventually(m.t, within, "all is heard by all", func() error {
		v := m.ledger.Check()
		if err := v.Wrong(); err != nil {
			m.t.Fatal(err) // it will not get better
		}
		return v.Err()
	})
	m.events.add("%v", m.ledger.Check())
	return took
}

// close ends all that the mesh began. What was published is judged once more, since a second copy
// can come late; and if the test has failed, what there is to see is put where a person finds it.
func (m *Mesh) close() {
	m.stopChatter()
	if err := m.ledger.Check().Wrong(); err != nil {
		m.t.Errorf("at the end: %v", err)
	}
	if m.t.Failed() {
		m.keepArtifacts()
	}
	m.t.Logf("what happened, in seconds:\n%v", &m.events)
	for _, closer := range m.take(&m.closers) {
		closer()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := each(m.peers, func(p *Peer) error { return p.remove(ctx) })
	if m.tracing != nil {
		err = errors.Join(err, m.tracing.remove(ctx))
	}
	if m.network != nil {
		err = errors.Join(err, m.network.Remove(ctx))
	}
	if err != nil {
		m.t.Errorf("remove what the test made: %v", err)
	}
}

// onClose has a function called when the mesh ends, the last first.
func (m *Mesh) onClose(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closers = append(m.closers, f)
}

func (m *Mesh) take(list *[]func()) []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := *list
	*list = nil
	slices.Reverse(taken)
	return taken
}

// each calls a function for every peer at once, and waits. Docker does four things at a time as fast as more.
func each(peers []*Peer, f func(*Peer) error) error {
	return eachIndex(peers, func(_ int, p *Peer) error { return f(p) })
}

func eachIndex(peers []*Peer, f func(int, *Peer) error) error {
	errs := make([]error, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() {
			if err := f(i, p); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func names(peers []*Peer) string {
	var out []string
	for _, p := range peers {
		out = append(out, p.name)
	}
	return strings.Join(out, ", ")
}
