package integration_test

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// say publishes by POST /messages, and returns the receipt that the peer gave.
func (p *Peer) say(words string) (*Said, error) {
	p.talk.Lock()
	defer p.talk.Unlock()
	s := p.mesh.ledger.begin(p.living(), words)
	receipt, err := p.http().publish(context.Background(), s.Text, "")
	if err == nil && receipt.ID == "" {
		err = fmt.Errorf("a receipt without an id")
	}
	p.mesh.ledger.settle(s, receipt, err)
	return s, err
}

// typeLine publishes by standard input, which gives no receipt: what a peer that lives has read is taken for accepted.
func (p *Peer) typeLine(words string) error {
	p.talk.Lock()
	defer p.talk.Unlock()
	p.mu.Lock()
	term := p.term
	p.mu.Unlock()
	s := p.mesh.ledger.begin(p.living(), words)
	err := term.writeLine(s.Text)
	p.mesh.ledger.settle(s, Receipt{}, err)
	return err
}

// saySome has every peer that can be asked say n things, one after the other, all peers at once.
func (m *Mesh) saySome(n int, words string) {
	m.t.Helper()
	must(m.t, "publish", each(m.up(), func(p *Peer) error {
		for range n {
			if _, err := p.say(words); err != nil {
				return err
			}
		}
		return nil
	}))
}

// chatter has peers say something at a steady rate, each for itself, until stopChatter or the end of their life. What a peer
// cannot say while it runs is a failure of the test; one that is being killed, paused or cut off may stay silent.
func (m *Mesh) chatter(every time.Duration, peers ...*Peer) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() {
			life := p.living()
			// Not all at the same moment: they are people, not a choir.
			next := time.Now().Add(every * time.Duration(i) / time.Duration(len(peers)))
			for ; p.isLiving(life); next = next.Add(every) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(next)):
				}
				if !p.isLiving(life) {
					return
				}
				if _, err := p.say("chatter"); err != nil {
					if p.isLiving(life) && p.answers() {
						m.t.Errorf("%s, in good health, could not publish: %v", p.name, err)
					}
					return
				}
			}
		})
	}
	stop := sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	m.mu.Lock()
	m.stoppers = append(m.stoppers, stop)
	m.mu.Unlock()
}

// stopChatter ends all chatter.
func (m *Mesh) stopChatter() {
	for _, stop := range m.take(&m.stoppers) {
		stop()
	}
}
