package hook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hearsay/peer/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var far = netip.MustParseAddrPort("127.0.0.1:49153")

// pair is a connection under rules, and its far end.
type pair struct {
	t    *testing.T
	law  law
	near *link
	far  net.Conn
	mu   sync.Mutex
	got  []arrival     // what the far end has read
	end  error         // and how that ended
	done chan struct{} // closed when it has
}

type arrival struct {
	at   time.Duration
	text string
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, done: make(chan struct{})}
	p.law.init()
	near, other := net.Pipe()
	p.far = other
	p.near = newLink(near, &p.law, far)
	begin := time.Now()
	go func() {
		defer close(p.done)
		buf := make([]byte, 64<<10)
		for {
			n, err := p.far.Read(buf)
			if n > 0 {
				p.mu.Lock()
				p.got = append(p.got, arrival{time.Since(begin), string(buf[:n])})
				p.mu.Unlock()
			}
			if err != nil {
				p.end = err
				return
			}
		}
	}()
	t.Cleanup(func() {
		p.near.Close()
		p.far.Close()
		<-p.done
	})
	return p
}

func (p *pair) set(r Rules) {
	p.t.Helper()
	if err := p.law.set(r); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) write(text string) {
	p.t.Helper()
	if _, err := p.near.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) text() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all bytes.Buffer
	for _, a := range p.got {
		all.WriteString(a.text)
	}
	return all.String()
}

func (p *pair) want(what, text string) {
	p.t.Helper()
	if got := p.text(); got != text {
		p.t.Errorf("%s: the far end has read %q, want %q", what, got, text)
	}
}

var cut = Rules{Cut: []string{far.String()}}

func TestCutHoldsBothWays(t *testing.T) {
	for name, rules := range map[string]Rules{"by address": cut, "from all": {CutAll: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t)
				p.write("before ")
				p.want("no rule", "before ")
				p.set(rules)
				if held := p.law.stopped().Held; held != 1 {
					t.Errorf("the cut holds %d connections, want 1", held)
				}
				p.write("during ")
				go func() {
					p.far.Write([]byte("back"))
					p.far.Close()
				}()
				read := make(chan string)
				go func() {
					all, err := io.ReadAll(p.near)
					if err != nil && !errors.Is(err, io.ErrClosedPipe) {
						t.Error(err)
					}
					read <- string(all)
				}()
				time.Sleep(time.Minute)
				p.want("cut", "before ")
				select {
				case got := <-read:
					t.Errorf("%q passed the cut", got)
				default:
				}
				p.set(Rules{})
				if got := <-read; got != "back" {
					t.Errorf("read %q after the cut, want what was sent during it", got)
				}
			})
		})
	}
}

func TestCutThenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(cut)
		p.write("1")
		p.write("2")
		p.set(Rules{})
		p.write("3")
		p.want("healed", "123")
		p.set(Rules{Cut: []string{"127.0.0.1:50000"}})
		p.write("4")
		p.want("another is cut off", "1234")
		if held := p.law.stopped().Held; held != 0 {
			t.Errorf("%d connections held, want none", held)
		}
	})
}

func TestDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(Rules{Delay: 50 * time.Millisecond, Jitter: 40 * time.Millisecond})
		var want string
		for i := range 50 {
			text := string(rune('a' + i%26))
			p.write(text)
			want += text
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		p.want("late", want)
		spread := map[time.Duration]bool{}
		for i, a := range p.got {
			sent := time.Duration(i) * time.Millisecond
			if late := a.at - sent; late < 10*time.Millisecond || late > 90*time.Millisecond {
				t.Errorf("the %dth was %v late, want 50ms±40ms", i, late)
			}
			spread[a.at-sent] = true
		}
		if len(spread) < 10 {
			t.Errorf("only %d different delays: no jitter", len(spread))
		}
	})
}

func TestLossMakesAStreamLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(Rules{Loss: 0.5})
		for i := range 20 {
			p.write(string(rune('a' + i)))
		}
		time.Sleep(5 * time.Minute)
		p.want("lossy", "abcdefghijklmnopqrst")
		if last := p.got[len(p.got)-1].at; last < retransmitAfter {
			t.Errorf("all came within %v: nothing was lost", last)
		}
	})
}

func TestDeadlinesHoldDuringACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(cut)
		begin := time.Now()
		p.near.SetDeadline(begin.Add(time.Second))
		if _, err := p.near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("read: %v after %v", err, time.Since(begin))
		}
		p.near.SetDeadline(time.Time{})
		go p.far.Write([]byte("x"))
		p.near.SetReadDeadline(time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { p.near.SetReadDeadline(time.Now().Add(time.Second)) })
		if _, err := p.near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != 3*time.Second {
			t.Errorf("read with something held: %v after %v", err, time.Since(begin))
		}
		p.near.SetWriteDeadline(time.Now().Add(time.Second))
		chunk := make([]byte, linkBuffer/2)
		for i := range 3 {
			_, err := p.near.Write(chunk)
			if (i == 2) != errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		p.set(Rules{})
		p.near.SetDeadline(time.Time{})
		if n, err := p.near.Read(make([]byte, 9)); n != 1 || err != nil {
			t.Errorf("what was held is lost to a deadline: %d, %v", n, err)
		}
	})
}

func TestCloseDuringACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(cut)
		p.write("last words")
		reading := make(chan error)
		go func() {
			_, err := p.near.Read(make([]byte, 1))
			reading <- err
		}()
		synctest.Wait()
		p.near.Close()
		if err := <-reading; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a reader sees %v, want that it is closed", err)
		}
		if _, err := p.near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after Close: %v", err)
		}
		time.Sleep(abandonAfter / 2)
		synctest.Wait()
		if closed(p.done) || p.text() != "" {
			t.Fatal("the far end noticed through the cut")
		}
		p.set(Rules{})
		<-p.done
		p.want("after the cut", "last words")
		if !errors.Is(p.end, io.EOF) {
			t.Errorf("and then %v", p.end)
		}
	})
}

func TestCloseIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(cut)
		p.near.Close()
		time.Sleep(abandonAfter + time.Second)
		<-p.done // the far end has been told by a reset
	})
}

func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.set(Rules{Delay: time.Second})
		p.write("late")
		p.near.CloseWrite()
		synctest.Wait()
		if closed(p.done) {
			t.Error("our end came before what we wrote")
		}
		<-p.done
		p.want("late", "late")
	})
}

// fakeNetwork dials one end of a pipe.
type fakeNetwork struct {
	node.Network
	dialled int
}

func (f *fakeNetwork) Dial(context.Context, netip.AddrPort) (net.Conn, error) {
	f.dialled++
	c, other := net.Pipe()
	other.Close()
	return c, nil
}

func TestDialIntoACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeNetwork{}
		n := &network{Network: fake}
		n.law.init()
		n.law.set(cut)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, far); !errors.Is(err, context.DeadlineExceeded) || fake.dialled != 0 || n.law.stopped().Dials != 1 {
			t.Errorf("%v, %d dials passed, %d counted", err, fake.dialled, n.law.stopped().Dials)
		}
		// One that is under way when the cut ends goes through, as by the next SYN.
		time.AfterFunc(time.Second, func() { n.law.set(Rules{}) })
		ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		c, err := n.Dial(ctx, far)
		if err != nil || fake.dialled != 1 {
			t.Fatalf("%v, %d dials", err, fake.dialled)
		}
		c.Close()
	})
}

// Whoever is at an address that was a dead peer's may belong to another lab.
func TestStrangersAreNotDialled(t *testing.T) {
	fake := &fakeNetwork{}
	n := &network{Network: fake}
	n.law.init()
	n.law.set(Rules{Only: []string{far.String()}})
	if _, err := n.Dial(t.Context(), netip.MustParseAddrPort("127.0.0.1:50000")); !errors.Is(err, syscall.ECONNREFUSED) || fake.dialled != 0 {
		t.Errorf("a stranger: %v, %d dials", err, fake.dialled)
	}
	c, err := n.Dial(t.Context(), far)
	if err != nil || fake.dialled != 1 {
		t.Fatalf("one of us: %v, %d dials", err, fake.dialled)
	}
	c.Close()
}

func TestRulesAreChecked(t *testing.T) {
	for _, r := range []Rules{{Cut: []string{"peer-3"}}, {Only: []string{"peer-3"}}, {Delay: -1}, {Delay: time.Hour}, {Jitter: 1}, {Loss: 1.5}, {Loss: -1}} {
		if _, err := newState(r); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
