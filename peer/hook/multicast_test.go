package hook

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearsay/peer/discovery"
	"hearsay/peer/wire"
)

// fakeGroup is a group of one, by hand.
type fakeGroup struct {
	in   chan discovery.Datagram
	mu   sync.Mutex
	sent []string
}

func (f *fakeGroup) Send(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, string(b))
	return nil
}

func (f *fakeGroup) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

func (f *fakeGroup) SendTo(b []byte, _ netip.AddrPort) error { return f.Send(b) }
func (f *fakeGroup) Receive() <-chan discovery.Datagram      { return f.in }
func (f *fakeGroup) Changes() <-chan struct{}                { return nil }
func (f *fakeGroup) Close() error                            { close(f.in); return nil }

// announcement is one of a peer that listens at port.
func announcement(port uint16) []byte {
	return wire.AppendAnnouncement(nil, wire.Announcement{
		ID: wire.ID(strings.Repeat("ab", 16)), Name: "peer-2", Port: port, Slots: wire.Slots{Links: 3, Serve: 6},
	})
}

func newGroup() (*multicast, *fakeGroup) {
	n := &network{}
	n.law.init()
	n.heard.init()
	f := &fakeGroup{in: make(chan discovery.Datagram)}
	return newMulticast(f, n), f
}

func TestCutGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newGroup()
		defer g.Close()
		from := netip.MustParseAddrPort("127.0.0.1:40000") // whence they speak says nothing
		hear := func(what string, data []byte, own, want bool) {
			t.Helper()
			f.in <- discovery.Datagram{Data: data, From: from, Own: own}
			synctest.Wait()
			select {
			case <-g.Receive():
				if !want {
					t.Errorf("%s: heard", what)
				}
			default:
				if want {
					t.Errorf("%s: not heard", what)
				}
			}
		}
		hear("no rule", announcement(far.Port()), false, true)
		g.network.law.set(cut)
		hear("cut", announcement(far.Port()), false, false)
		hear("another's", announcement(far.Port()+1), false, true)
		g.network.law.set(Rules{CutAll: true})
		hear("cut from all", announcement(far.Port()+1), false, false)
		hear("our own", announcement(far.Port()+2), true, true)
		if err := g.Send([]byte("x")); err != nil || f.count() > 0 {
			t.Errorf("sent %q, %v", f.sent, err)
		}
		if got := g.network.law.stopped().Datagrams; got != 3 {
			t.Errorf("%d datagrams are counted as stopped, want 3", got)
		}
	})
}

func TestLateAndLostDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newGroup()
		defer g.Close()
		g.network.law.set(Rules{Delay: 50 * time.Millisecond})
		g.Send([]byte("a"))
		g.SendTo([]byte("b"), far)
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		early := f.count()
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if early != 0 || f.count() != 2 {
			t.Errorf("%d sent early, %d in all", early, f.count())
		}
		g.network.law.set(Rules{Loss: 1})
		g.Send([]byte("c"))
		if f.count() != 2 {
			t.Error("nothing was lost")
		}
		g.network.law.set(Rules{Delay: time.Second})
		for range maxLateDatagrams + 5 {
			g.Send([]byte("d"))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := f.count() - 2; got != maxLateDatagrams {
			t.Errorf("%d were held back, want at most %d", got, maxLateDatagrams)
		}
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newGroup()
		defer g.Close()
		from := netip.MustParseAddrPort("127.0.0.1:40000")
		g.probe("token", far.Port())
		data := []byte(f.sent[0])
		g.network.law.set(cut)
		f.in <- discovery.Datagram{Data: data, From: from}
		f.in <- discovery.Datagram{Data: []byte(probe + "50000 token"), From: from}
		begin := time.Now()
		heard := g.network.heard.wait("token", []string{far.String()}, time.Second, nil)
		if len(heard) != 1 || heard[0] != "127.0.0.1:50000" || time.Since(begin) != time.Second {
			t.Errorf("heard %v after %v", heard, time.Since(begin))
		}
		g.network.law.set(Rules{})
		time.AfterFunc(10*time.Millisecond, func() { f.in <- discovery.Datagram{Data: data, From: from} })
		begin = time.Now()
		heard = g.network.heard.wait("token", []string{far.String()}, time.Second, nil)
		if len(heard) != 2 || time.Since(begin) != 10*time.Millisecond {
			t.Errorf("heard %v after %v", heard, time.Since(begin))
		}
		select {
		case d := <-g.Receive():
			t.Errorf("the node has to make sense of %q", d.Data)
		default:
		}
	})
}
