package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// fast looks at the interfaces often enough for a test, never leaves it to a send error or a call.
const (
	fast  = 50 * time.Millisecond
	never = time.Hour
)

var mustGroup = netip.MustParseAddrPort

// hello announces until the far side has answered, since it may be still joining.
func hello(t *testing.T, m *Multicast, data string) Datagram {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := m.Send([]byte(data)); err != nil {
			t.Logf("Send: %v", err)
		}
		again := time.After(100 * time.Millisecond)
	hear:
		for {
			select {
			case d := <-m.Receive():
				if string(d.Data) == "echo "+data {
					return d
				}
			case <-again:
				break hear
			}
		}
	}
	t.Fatalf("no answer to %q; joined %v, %+v", data, m.Joined(), m.Stats())
	panic("unreachable")
}

func changed(t *testing.T, m *Multicast) {
	t.Helper()
	select {
	case <-m.Changes():
	case <-time.After(patience):
		t.Fatalf("no change was told; joined %v", m.Joined())
	}
}

// A peer starts before there is any network, gets one, loses it, and gets another: as a container does
// that is disconnected and connected again.
func TestInterfaceReturns(t *testing.T) {
	if !inNetns(t) {
		return
	}
	group := someGroup()
	far := startFar(t, group.String())
	m := open(t, Config{Group: group, Rescan: fast})
	if err := m.Send([]byte("x")); !errors.Is(err, ErrNowhere) {
		t.Errorf("Send with no interface: %v", err)
	}
	index := 0
	for round := range 3 {
		ip(t, "link add va type veth peer name vb netns %d", far.pid)
		ip(t, "addr add 10.99.0.1/24 dev va")
		ip(t, "link set va up")
		far.ip(t, "addr add 10.99.0.2/24 dev vb")
		far.ip(t, "link set vb up")
		changed(t, m)
		d := hello(t, m, fmt.Sprint("round ", round))
		if d.From.Addr().String() != "10.99.0.2" || !d.Unicast {
			t.Errorf("answered from %v, unicast %v", d.From, d.Unicast)
		}
		if now := indexOf(t, "va"); now == index {
			t.Errorf("index %d again: that is not what this test is for", now)
		} else {
			index = now
		}
		ip(t, "link del va")
		wantJoined(t, m, "")
		changed(t, m)
	}
}

// Between two looks, the interface is replaced: the first send that fails brings the next look on.
func TestSendErrorLooksAtOnce(t *testing.T) {
	if !inNetns(t) {
		return
	}
	addVeth(t, "e0", "10.99.1.1/24")
	m := open(t, Config{Group: someGroup(), Rescan: never})
	wantJoined(t, m, "e0@10.99.1.1")
	ip(t, "link del e0")
	addVeth(t, "e0", "10.99.1.1/24")
	if err := m.Send([]byte("into the void")); err == nil {
		t.Error("Send on an interface that has gone says it worked")
	}
	changed(t, m)
	send(t, m, "hello")
	wantNext(t, m, "hello")
}

// The interface goes and comes back as if nothing had happened: the same index, name and address. Its
// membership is gone all the same, and that our own announcement is not heard is the only sign of it.
func TestDeafInterfaceIsJoinedAgain(t *testing.T) {
	if !inNetns(t) {
		return
	}
	far := startFar(t, someGroup().String())
	addVeth(t, "e0", "10.99.1.1/24")
	m := open(t, Config{Group: someGroup(), Rescan: never})
	send(t, m, "before")
	wantNext(t, m, "before")

	index := indexOf(t, "e0")
	ip(t, "link set e0 netns %d", far.pid)
	far.ip(t, fmt.Sprintf("link set e0 netns %d", os.Getpid()))
	ip(t, "addr add 10.99.1.1/24 dev e0")
	ip(t, "link set e0 up")
	if now := indexOf(t, "e0"); now != index {
		t.Skipf("this kernel gave it another index (%d, %d), so it shows", index, now)
	}
	send(t, m, "lost")
	select {
	case d := <-m.Receive():
		t.Fatalf("heard %q: not deaf at all", d.Data)
	case <-time.After(deafAfter + 100*time.Millisecond):
	}
	m.lookNow()
	changed(t, m)
	if m.Joined()[0].Hears {
		t.Error("hears, before it heard anything")
	}
	send(t, m, "after")
	wantNext(t, m, "after")
}

func TestAddressChanges(t *testing.T) {
	if !inNetns(t) {
		return
	}
	addVeth(t, "e0", "169.254.7.7/16")
	m := open(t, Config{Group: someGroup(), Rescan: fast})
	wantJoined(t, m, "e0@169.254.7.7")
	ip(t, "addr add 10.99.1.1/24 dev e0") // the better one
	wantJoined(t, m, "e0@10.99.1.1")
	changed(t, m)
	send(t, m, "hello")
	if d := wantNext(t, m, "hello"); d.From.Addr().String() != "10.99.1.1" || !d.Own {
		t.Errorf("from %v, own %v", d.From, d.Own)
	}
	ip(t, "addr flush dev e0")
	wantJoined(t, m, "")
	ip(t, "addr add 10.99.1.2/24 dev e0")
	wantJoined(t, m, "e0@10.99.1.2")
	ip(t, "link set e0 down")
	wantJoined(t, m, "")
	ip(t, "link set e0 up")
	wantJoined(t, m, "e0@10.99.1.2")
	send(t, m, "hello again")
	wantNext(t, m, "hello again")
}

// On two interfaces, a datagram goes out on each from its address, and is heard once on each. Loopback
// is left alone.
func TestTwoInterfaces(t *testing.T) {
	if !inNetns(t) {
		return
	}
	ip(t, "link set lo up")
	addVeth(t, "e0", "10.99.1.1/24")
	addVeth(t, "e1", "10.99.2.1/24")
	group := someGroup()
	m := open(t, Config{Group: group})
	wantJoined(t, m, "e0@10.99.1.1 e1@10.99.2.1")
	only0 := open(t, Config{Group: group, Interfaces: []string{"e0"}})
	onlyLo := open(t, Config{Group: group, Interfaces: []string{"lo"}})

	for range 2 {
		send(t, m, "hello")
		heard := []string{}
		for range 2 {
			d := wantNext(t, m, "hello")
			heard = append(heard, fmt.Sprint(d.From.Addr(), " by ", d.Interface))
		}
		slices.Sort(heard)
		want := []string{fmt.Sprint("10.99.1.1 by ", indexOf(t, "e0")), fmt.Sprint("10.99.2.1 by ", indexOf(t, "e1"))}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %v, want %v", heard, want)
		}
		if d := wantNext(t, only0, "hello"); d.From.Addr().String() != "10.99.1.1" {
			t.Errorf("on e0 from %v", d.From)
		}
	}
	send(t, onlyLo, "among ourselves")
	wantNext(t, onlyLo, "among ourselves")
	send(t, only0, "on e0")
	wantNext(t, only0, "on e0")
	wantNext(t, m, "on e0")
	wantStats(t, onlyLo, Stats{Sent: 1, Received: 1, Foreign: 5, Joins: 1})
}

// One of two works: that is not an error of Send, and the other is looked at.
func TestOneOfTwoInterfacesFails(t *testing.T) {
	if !inNetns(t) {
		return
	}
	addVeth(t, "e0", "10.99.1.1/24")
	addVeth(t, "e1", "10.99.2.1/24")
	m := open(t, Config{Group: someGroup(), Rescan: never})
	ip(t, "link del e0")
	send(t, m, "hello")
	wantNext(t, m, "hello")
	wantJoined(t, m, "e1@10.99.2.1")
	wantStats(t, m, Stats{Sent: 1, SendErrors: 1, Received: 1, Joins: 2})
}

func TestSameAddressTwice(t *testing.T) {
	if !inNetns(t) {
		return
	}
	addVeth(t, "e0", "10.99.1.1/24")
	addVeth(t, "e1", "10.99.1.1/32")
	m := open(t, Config{Group: someGroup(), Rescan: fast})
	wantJoined(t, m, "e0@10.99.1.1")
	for range 3 {
		send(t, m, "once")
		wantNext(t, m, "once")
	}
	send(t, m, "end")
	wantNext(t, m, "end")
	// When the first goes, the other takes its place.
	ip(t, "link del e0")
	wantJoined(t, m, "e1@10.99.1.1")
	send(t, m, "still")
	wantNext(t, m, "still")
}

func TestNamedInterfaceIsWaitedFor(t *testing.T) {
	if !inNetns(t) {
		return
	}
	if _, err := Open(Config{Group: someGroup(), Interfaces: []string{"e0"}}); !errors.Is(err, ErrInterface) {
		t.Errorf("missing at the start: %v", err)
	}
	// lo is there, but down.
	m := open(t, Config{Group: someGroup(), Interfaces: []string{"lo"}, Rescan: fast})
	wantJoined(t, m, "")
	ip(t, "link set lo up")
	wantJoined(t, m, "lo@127.0.0.1")
	addVeth(t, "e0", "10.99.1.1/24")
	m = open(t, Config{Group: someGroup(), Interfaces: []string{"e0"}, Rescan: fast})
	wantJoined(t, m, "e0@10.99.1.1")
	ip(t, "link del e0")
	wantJoined(t, m, "")
	addVeth(t, "e0", "10.99.1.1/24")
	wantJoined(t, m, "e0@10.99.1.1")
	send(t, m, "back")
	wantNext(t, m, "back")
}

// Linux counts a membership against the socket's limit of 20 even when its interface is long gone,
// unless it is left by its old index.
func TestManyReturns(t *testing.T) {
	if !inNetns(t) {
		return
	}
	m := open(t, Config{Group: someGroup(), Rescan: never})
	for range 2*MaxInterfaces + 5 {
		addVeth(t, "e0", "10.99.1.1/24")
		m.lookNow()
		wantJoined(t, m, "e0@10.99.1.1")
		ip(t, "link del e0")
		m.lookNow()
		wantJoined(t, m, "")
	}
	if s := m.Stats(); s.Errors != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMoreInterfacesThanAllowed(t *testing.T) {
	if !inNetns(t) {
		return
	}
	for i := range MaxInterfaces + 3 {
		addVeth(t, fmt.Sprint("e", i), fmt.Sprintf("10.99.%d.1/24", i))
	}
	m := open(t, Config{Group: someGroup(), Rescan: fast})
	if n := len(m.Joined()); n != MaxInterfaces || m.Joined()[0].Name != "e0" {
		t.Errorf("joined %d: %v", n, joinedNames(m))
	}
	ip(t, "link del e0")
	eventually(t, "one moves up", func() bool {
		j := m.Joined()
		return len(j) == MaxInterfaces && j[0].Name == "e1"
	})
	if s := m.Stats(); s.Errors != 0 {
		t.Errorf("%+v", s)
	}
}

// No cable: nothing is wrong with announcing there, and we still hear ourselves.
func TestNoCarrier(t *testing.T) {
	if !inNetns(t) {
		return
	}
	addVeth(t, "e0", "10.99.1.1/24")
	m := open(t, Config{Group: someGroup(), Rescan: fast})
	ip(t, "link set e0x down")
	send(t, m, "anybody?")
	wantNext(t, m, "anybody?")
}

// Our one question to the kernel gives what the standard library's many give.
func TestAddressesAgree(t *testing.T) {
	if !inNetns(t) {
		return
	}
	ip(t, "link set lo up")
	addVeth(t, "e0", "10.99.1.1/24")
	ip(t, "addr add 10.99.2.1/24 dev e0")
	ip(t, "addr add 10.99.1.2/24 dev e0")
	ip(t, "addr add fd00::1/64 dev e0")
	addVeth(t, "e1", "10.99.3.1 peer 10.99.3.2")
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := ipv4Addrs(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		want, err := ifi.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		if got := addrs[ifi.Index]; !slices.Equal(got, ipv4Of(want)) {
			t.Errorf("%s has %v, want %v", ifi.Name, got, want)
		}
	}
}
