package node

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"hearsay/peer/wire"
)

// What a watcher is told adds up to what the status says: the same links, the same modes, the same root, and
// every message once.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Event // of peer-3, by its loop; read once that stands still
		l := newLAN(t, 5, 5, func(i int, c *Config) {
			if i == 3 {
				c.Watch = func(e Event) { told = append(told, e) }
			}
		})
		l.until(10*time.Second, "a mesh", l.meshed)
		time.Sleep(3 * time.Second) // a root is chosen
		watched := l.nodes[2]
		for i, n := range l.nodes {
			if _, err := n.Publish(context.Background(), []byte{byte('a' + i)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		victim := l.nodes[0]
		l.kill(victim)
		time.Sleep(20 * time.Second)
		synctest.Wait()

		links, eager := map[string]string{}, map[string]bool{}
		root := ""
		texts := map[string]int{}
		lost := wire.Reason("")
		for i, e := range told {
			if i > 0 && e.Kind != Healed && e.Kind != Rooted && e.At.Before(told[i-1].At) {
				t.Errorf("event %d is told out of order", i)
			}
			switch e.Kind {
			case LinkUp:
				links[string(e.Peer)] = direction(e.Out)
			case LinkDown:
				if e.Peer == victim.ID() {
					lost = e.Reason
				}
				delete(links, string(e.Peer))
				delete(eager, string(e.Peer))
			case LinkEager, LinkLazy:
				eager[string(e.Peer)] = e.Kind == LinkEager
			case Rooted:
				root = string(e.Peer)
			case Delivered, Said:
				if (e.Kind == Said) != (e.Message.Name == "peer-3") {
					t.Errorf("%q of %s is told as the other kind", e.Message.Text, e.Message.Name)
				}
				texts[string(e.Message.Text)]++
			}
		}
		wantLinks, wantEager := map[string]string{}, map[string]bool{}
		s := watched.mustStatus()
		for _, k := range s.Links {
			wantLinks[k.ID], wantEager[k.ID] = k.Dir, k.Eager
		}
		if !maps.Equal(links, wantLinks) || !maps.Equal(eager, wantEager) || root != s.Root {
			t.Errorf("told: links %v, eager %v, root %s; the status says %v, %v, %s", links, eager, root, wantLinks, wantEager, s.Root)
		}
		if want := map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}; !maps.Equal(texts, want) {
			t.Errorf("told of messages %v, want %v", texts, want)
		}
		if lost == "" {
			t.Error("the death of a neighbor was not told")
		}
	})
}
