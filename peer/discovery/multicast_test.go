package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"

	"hearsay/peer/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen. A busy machine takes long, a broken one for
// ever.
const patience = 20 * time.Second

// loopback is the name of this machine's loopback interface. No test speaks on any other: the tests
// that need others make a network of their own (netns_linux_test.go).
func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&(net.FlagLoopback|net.FlagUp) == net.FlagLoopback|net.FlagUp {
			return ifi.Name
		}
	}
	t.Skip("no loopback interface is up")
	return ""
}

// someGroup draws a group, so that tests that run at the same time do not hear one another. Its port is
// below those that systems hand out for other purposes.
func someGroup() netip.AddrPort {
	addr := netip.AddrFrom4([4]byte{239, byte(rand.N(250)), byte(rand.N(256)), byte(1 + rand.N(250))})
	return netip.AddrPortFrom(addr, uint16(20000+rand.N(12000)))
}

func open(t *testing.T, cfg Config) *Multicast {
	t.Helper()
	m, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// openOn opens n members of one group on the named interfaces, or loopback.
func openOn(t *testing.T, group netip.AddrPort, n int, names ...string) []*Multicast {
	t.Helper()
	if len(names) == 0 {
		names = []string{loopback(t)}
	}
	ms := make([]*Multicast, n)
	for i := range ms {
		ms[i] = open(t, Config{Group: group, Interfaces: names})
	}
	return ms
}

func send(t *testing.T, m *Multicast, data string) {
	t.Helper()
	if err := m.Send([]byte(data)); err != nil {
		t.Fatalf("Send(%q): %v", data, err)
	}
}

// next is the next datagram that m hears.
func next(t *testing.T, m *Multicast) Datagram {
	t.Helper()
	select {
	case d, ok := <-m.Receive():
		if !ok {
			t.Fatal("closed while something was expected")
		}
		return d
	case <-time.After(patience):
		t.Fatalf("nothing heard; %+v", m.Stats())
	}
	panic("unreachable")
}

// wantNext fails unless the next thing that m hears is data. Since the kernel keeps the order on
// loopback, it also says that nothing came before it.
func wantNext(t *testing.T, m *Multicast, data string) Datagram {
	t.Helper()
	d := next(t, m)
	if string(d.Data) != data {
		t.Fatalf("heard %q from %v, want %q", d.Data, d.From, data)
	}
	return d
}

// wantStats waits for the counters: what was handed on is counted just after.
func wantStats(t *testing.T, m *Multicast, want Stats) {
	t.Helper()
	for end := time.Now().Add(patience); m.Stats() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v, want %+v", m.Stats(), want)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func TestMembersHearEachOther(t *testing.T) {
	ms := openOn(t, someGroup(), 3)
	for i, m := range ms {
		data := fmt.Sprintf("hello from %d", i)
		send(t, m, data)
		for j, other := range ms {
			d := wantNext(t, other, data)
			if d.Own != (i == j) || d.Unicast {
				t.Errorf("%d hears %d: own %v, unicast %v", j, i, d.Own, d.Unicast)
			}
			if want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), m.ownPort); d.From != want {
				t.Errorf("from %v, want %v", d.From, want)
			}
			if d.Interface != ms[0].Joined()[0].Index && !m.blind {
				t.Errorf("by interface %d, want %d", d.Interface, ms[0].Joined()[0].Index)
			}
		}
		eventually(t, "hears itself", func() bool { return m.Joined()[0].Hears })
	}
	wantStats(t, ms[0], Stats{Sent: 1, Received: 3, Joins: 1})
}

func TestAnswerReachesOnlyTheAnnouncer(t *testing.T) {
	ms := openOn(t, someGroup(), 4)
	send(t, ms[1], "who is there")
	var asked netip.AddrPort
	for _, m := range ms {
		asked = wantNext(t, m, "who is there").From
	}
	for _, m := range ms {
		if m == ms[1] {
			continue
		}
		if err := m.SendTo([]byte("me"), asked); err != nil {
			t.Fatal(err)
		}
	}
	var from []uint16
	for range 3 {
		d := wantNext(t, ms[1], "me")
		if !d.Unicast || d.Own {
			t.Errorf("unicast %v, own %v", d.Unicast, d.Own)
		}
		from = append(from, d.From.Port())
	}
	want := []uint16{ms[0].ownPort, ms[2].ownPort, ms[3].ownPort}
	slices.Sort(from)
	slices.Sort(want)
	if !slices.Equal(from, want) {
		t.Errorf("answers from ports %v, want %v", from, want)
	}
	// Had another member heard an answer, it would hear it before this.
	send(t, ms[1], "thanks")
	for _, m := range ms {
		wantNext(t, m, "thanks")
	}
}

func TestForeignDatagramsAreDropped(t *testing.T) {
	group := someGroup()
	m := openOn(t, group, 1)[0]
	if m.blind {
		t.Skip("this system does not tell where datagrams were sent")
	}
	lo := netip.MustParseAddr("127.0.0.1")

	// Another group on the same port: Linux gives it to every socket on that port.
	other := openOn(t, netip.AddrPortFrom(group.Addr().Next(), group.Port()), 1)[0]
	send(t, other, "another group")
	wantNext(t, other, "another group")
	// Unicast to the shared port, and the group's address at the own port.
	if err := other.SendTo([]byte("to the shared port"), netip.AddrPortFrom(lo, group.Port())); err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: lo.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if ifi := m.joined()[0].Interface; ipv4.NewPacketConn(c).SetMulticastInterface(&ifi) != nil {
		t.Fatal("a socket that stays on loopback cannot be had")
	}
	if _, err := c.WriteToUDPAddrPort([]byte("the group at the own port"), netip.AddrPortFrom(group.Addr(), m.ownPort)); err != nil {
		t.Fatal(err)
	}
	// The same group on another port.
	far := openOn(t, netip.AddrPortFrom(group.Addr(), group.Port()+1), 1)[0]
	send(t, far, "another port")
	wantNext(t, far, "another port")

	send(t, m, "mine")
	wantNext(t, m, "mine")
	if err := m.SendTo([]byte("mine alone"), netip.AddrPortFrom(lo, m.ownPort)); err != nil {
		t.Fatal(err)
	}
	wantNext(t, m, "mine alone")
	// Systems differ in what they leave to us; Linux leaves two or three, since what went to the shared
	// port reached one of its sockets, the system's choice which.
	if n := m.Stats().Foreign; n > 3 {
		t.Errorf("%d foreign datagrams, of three", n)
	}
}

func TestSizes(t *testing.T) {
	group := someGroup()
	m := openOn(t, group, 1)[0]
	if err := m.Send(make([]byte, wire.MaxAnnouncement+1)); err == nil {
		t.Error("an announcement that all would drop was sent")
	}
	if err := m.SendTo(make([]byte, wire.MaxAnnouncement+1), netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
		t.Error("an answer that would be dropped was sent")
	}
	// A stranger's is dropped on arrival, by either socket; the longest allowed is heard whole.
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), m.ownPort)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	longest := bytes.Repeat([]byte("x"), wire.MaxAnnouncement)
	for _, data := range [][]byte{append(longest, 'y'), make([]byte, 60000), longest} {
		if _, err := c.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	wantNext(t, m, string(longest))
	wantStats(t, m, Stats{Received: 1, Oversized: 2, Joins: 1})
	send(t, m, "")
	wantNext(t, m, "")
}

func TestFullQueueDropsAndCounts(t *testing.T) {
	m := openOn(t, someGroup(), 1)[0]
	for i := range receiveQueue + 40 {
		send(t, m, fmt.Sprint(i))
		eventually(t, "read from the kernel", func() bool {
			s := m.Stats()
			return s.Received+s.Dropped == uint64(i+1)
		})
	}
	wantStats(t, m, Stats{Sent: receiveQueue + 40, Received: receiveQueue, Dropped: 40, Joins: 1})
	for i := range receiveQueue {
		wantNext(t, m, fmt.Sprint(i))
	}
	send(t, m, "and on")
	wantNext(t, m, "and on")
}

func TestSendToNowhere(t *testing.T) {
	m := openOn(t, someGroup(), 1)[0]
	for _, to := range []netip.AddrPort{
		{},
		netip.MustParseAddrPort("127.0.0.1:0"),
		netip.MustParseAddrPort("0.0.0.0:4000"),
		netip.MustParseAddrPort("[::1]:4000"),
		DefaultGroup,
	} {
		if err := m.SendTo([]byte("x"), to); err == nil {
			t.Errorf("SendTo(%v) says it worked", to)
		}
	}
	wantStats(t, m, Stats{SendErrors: 5, Joins: 1})
}

// An answer that nobody takes any more must not end the reader (as it does on Windows, unless told).
func TestRefusedAnswer(t *testing.T) {
	m := openOn(t, someGroup(), 1)[0]
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	gone := c.LocalAddr().(*net.UDPAddr).AddrPort()
	c.Close()
	for range 3 {
		if err := m.SendTo([]byte("too late"), gone); err != nil {
			t.Logf("SendTo: %v", err) // a system may tell
		}
	}
	send(t, m, "still here")
	wantNext(t, m, "still here")
}

func TestCloseEndsReceive(t *testing.T) {
	m := openOn(t, someGroup(), 1)[0]
	send(t, m, "last words")
	eventually(t, "heard", func() bool { return m.Stats().Received == 1 })
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	wantNext(t, m, "last words")
	if d, ok := <-m.Receive(); ok {
		t.Errorf("heard %q after Close", d.Data)
	}
	if err := m.Send([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send after Close: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	lo := loopback(t)
	for _, group := range []string{"192.168.1.1:49152", "239.1.1.1:0", "[ff02::1]:49152", "0.0.0.0:49152"} {
		m, err := Open(Config{Group: netip.MustParseAddrPort(group), Interfaces: []string{lo}})
		if !errors.Is(err, ErrGroup) {
			t.Errorf("group %s: %v", group, err)
		}
		if err == nil {
			m.Close()
		}
	}

	_, err := Open(Config{Group: someGroup(), Interfaces: []string{lo, "nosuch7"}})
	var missing *InterfaceError
	if !errors.Is(err, ErrInterface) || !errors.As(err, &missing) || missing.Name != "nosuch7" || !strings.Contains(err.Error(), lo) {
		t.Errorf("missing interface: %v", err)
	}

	// A program that does not share the port.
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	taken := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	m, err := Open(Config{Group: netip.AddrPortFrom(someGroup().Addr(), taken), Interfaces: []string{lo}})
	if !errors.Is(err, ErrGroup) || !strings.Contains(err.Error(), fmt.Sprint(taken)) {
		t.Errorf("taken port: %v", err)
	}
	if err == nil {
		m.Close()
	}
}
