package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A checker that never complains would pass every mesh: so each bug that it is there for is planted once.
func TestLedgerCheck(t *testing.T) {
	for _, test := range []struct {
		name string
		plot func(p *play)
		want map[string]string // kind of complaint → part of it; the others must be empty
	}{
		{"all is well", func(p *play) {
			p.says("a", "one")
			p.says("a", "two")
			p.says("b", "three")
			p.hears("b", "one", "two")
			p.hears("a", "three")
			p.hears("c", "three", "one", "two")
		}, nil},
		{"a loss", func(p *play) {
			p.says("a", "one")
			p.says("a", "two")
			p.hears("b", "one", "two")
			p.hears("c", "two")
		}, map[string]string{"lost": `c lacks "a says #1: one"`}},
		{"a message that no one heard", func(p *play) {
			p.says("a", "one")
		}, map[string]string{"lost": `b lacks "a says #1: one"`}},
		{"a copy", func(p *play) {
			p.says("a", "one")
			p.hears("b", "one", "one")
			p.hears("c", "one")
		}, map[string]string{"duplicated": `b heard "a says #1: one" again`}},
		{"the wrong order", func(p *play) {
			p.says("a", "one")
			p.says("a", "two")
			p.hears("b", "two", "one")
			p.hears("c", "one", "two")
		}, map[string]string{"out of order": `b heard "a says #1: one" after "a says #2: two"`}},
		{"an echo", func(p *play) {
			p.says("a", "one")
			p.hears("a", "one")
			p.hears("b", "one")
			p.hears("c", "one")
		}, map[string]string{"unexpected": `a heard its own`}},
		{"a rumour", func(p *play) {
			p.ledger.hear(p.life("b"), []byte(`{"id":"x.1","text":"psst"}`), time.Now())
		}, map[string]string{"unexpected": `b heard "psst"`}},
		{"another id than the publisher's", func(p *play) {
			p.says("a", "one").Receipt.ID = "other"
			p.hears("b", "one")
			p.hears("c", "one")
		}, map[string]string{"unexpected": "its publisher was told other"}},
		{"not JSON", func(p *play) {
			p.ledger.hear(p.life("b"), []byte("hello"), time.Now())
		}, map[string]string{"unexpected": "standard output of b"}},

		{"a refusal is not a promise", func(p *play) {
			p.ledger.settle(p.says("a", "one"), Receipt{}, errors.New("full"))
		}, nil},
		{"but what one heard is owed to all", func(p *play) {
			p.ledger.settle(p.says("a", "one"), Receipt{}, errors.New("timeout"))
			p.hears("b", "one")
		}, map[string]string{"lost": `c lacks "a says #1: one"`}},
		{"what died with its publisher is not owed", func(p *play) {
			p.says("a", "one")
			p.ledger.end(p.life("a"), false)
		}, nil},
		{"but what one survivor heard is owed to all", func(p *play) {
			p.says("a", "one")
			p.ledger.end(p.life("a"), false)
			p.hears("b", "one")
		}, map[string]string{"lost": `c lacks "a says #1: one", published at 0s, and b heard it`}},
		{"and what only the dead heard is not", func(p *play) {
			p.says("a", "one")
			p.hears("b", "one")
			p.ledger.end(p.life("a"), false)
			p.ledger.end(p.life("b"), false)
		}, nil},
		{"who stops cleanly hands on what it accepted", func(p *play) {
			p.says("a", "one")
			p.ledger.end(p.life("a"), true)
			p.hears("b", "one")
		}, map[string]string{"lost": `c lacks "a says #1: one"`}},
		{"the dead are owed nothing", func(p *play) {
			p.says("a", "one")
			p.hears("b", "one")
			p.ledger.end(p.life("c"), false)
		}, nil},
		{"a newcomer is not owed what is older", func(p *play) {
			p.says("a", "one")
			p.hears("b", "one")
			p.hears("c", "one")
			p.starts("d")
		}, nil},
		{"and must not get it", func(p *play) {
			p.says("a", "one").Begun = time.Now().Add(-time.Minute)
			p.hears("b", "one")
			p.hears("c", "one")
			p.starts("d")
			p.hears("d", "one")
		}, map[string]string{"unexpected": `d heard "a says #1: one", published 1m`}},
		{"but is owed what came since", func(p *play) {
			p.starts("d")
			p.says("a", "one")
			p.hears("b", "one")
			p.hears("c", "one")
		}, map[string]string{"lost": `d lacks "a says #1: one"`}},
		{"a second life is another publisher", func(p *play) {
			p.says("a", "one")
			p.says("a", "two")
			p.ledger.end(p.life("a"), true)
			p.starts("a")
			p.says("a", "one")
			p.hears("b", "a says #1: one", "a says #2: two", "a (life 2) says #1: one")
			p.hears("c", "a (life 2) says #1: one", "a says #1: one", "a says #2: two")
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &play{t: t, ledger: newLedger()}
			for _, name := range []string{"a", "b", "c"} {
				p.starts(name)
				l := p.life(name) // long ago, so that a test can publish before a newcomer starts
				l.Started, l.Up = l.Started.Add(-time.Hour), l.Up.Add(-time.Hour)
			}
			test.plot(p)
			v := p.ledger.Check()
			for kind, got := range map[string][]string{"lost": v.Lost, "duplicated": v.Duplicated, "out of order": v.OutOfOrder, "unexpected": v.Unexpected} {
				want, ok := test.want[kind]
				if ok != (len(got) > 0) || ok && !strings.Contains(got[0], want) {
					t.Errorf("%s: got %q, want %q", kind, got, want)
				}
			}
		})
	}
}

// A play writes a ledger without any peer.
type play struct {
	t      *testing.T
	ledger *Ledger
}

func (p *play) starts(name string) { p.ledger.up(p.ledger.start(name)) }

// life is the latest of that name.
func (p *play) life(name string) *Life {
	for i := len(p.ledger.lives) - 1; i >= 0; i-- {
		if l := p.ledger.lives[i]; l.Peer == name {
			return l
		}
	}
	panic("nobody is called " + name)
}

func (p *play) says(name, words string) *Said {
	s := p.ledger.begin(p.life(name), words)
	p.ledger.settle(s, Receipt{}, nil)
	return s
}

// hears takes words for the first publication that ends with them.
func (p *play) hears(name string, words ...string) {
	for _, w := range words {
		for _, s := range p.ledger.said {
			if s.Text == w || strings.HasSuffix(s.Text, ": "+w) {
				origin := fmt.Sprintf("%s.%d", s.By.Peer, s.By.Number)
				line, err := json.Marshal(Delivery{ID: fmt.Sprintf("%s.%d", origin, s.N), Origin: origin, Name: s.By.Peer, Seq: uint64(s.N), Text: s.Text})
				if err != nil {
					p.t.Fatal(err)
				}
				p.ledger.hear(p.life(name), line, time.Now())
				break
			}
		}
	}
}
