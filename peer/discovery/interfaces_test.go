package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestEligible(t *testing.T) {
	const up, multi, lo = net.FlagUp, net.FlagMulticast, net.FlagLoopback
	for _, test := range []struct {
		name  string
		flags net.Flags
		names []string
		want  bool
	}{
		{"eth0", up | multi, nil, true},
		{"eth0", up | multi, []string{"eth0"}, true},
		{"eth0", up | multi, []string{"eth1", "lo"}, false},
		{"eth0", multi, nil, false},
		{"eth0", multi, []string{"eth0"}, false},
		{"ppp0", up, nil, false},
		{"ppp0", up, []string{"ppp0"}, true}, // who names it knows better
		{"lo", up | lo, nil, false},
		{"lo0", up | lo | multi, nil, false}, // macOS
		{"lo", up | lo, []string{"lo"}, true},
	} {
		if got := eligible(net.Interface{Name: test.name, Flags: test.flags}, test.names); got != test.want {
			t.Errorf("%s (%v), named %v: %v", test.name, test.flags, test.names, got)
		}
	}
}

func addrsOf(list string) []netip.Addr {
	var out []netip.Addr
	for _, s := range strings.Fields(list) {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestRoutableFirst(t *testing.T) {
	for _, test := range []struct{ have, want string }{
		{"10.0.0.2 10.0.0.1", "10.0.0.2 10.0.0.1"},
		{"169.254.0.1 169.254.0.2", "169.254.0.1 169.254.0.2"},
		{"169.254.0.1 10.0.0.2 169.254.0.2 10.0.0.1", "10.0.0.2 10.0.0.1 169.254.0.1 169.254.0.2"},
	} {
		if got := routableFirst(addrsOf(test.have)); !slices.Equal(got, addrsOf(test.want)) {
			t.Errorf("%s: %v", test.have, got)
		}
	}
}

func TestDistinct(t *testing.T) {
	var places []place
	for i, addrs := range []string{"10.0.0.1 10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.2 10.0.0.1", "10.0.0.3"} {
		places = append(places, place{net.Interface{Index: i + 1}, addrsOf(addrs)})
	}
	got := ""
	for _, p := range distinct(places) {
		got += fmt.Sprint(p.Index, " ")
	}
	if got != "1 3 5 " {
		t.Errorf("kept %s, want 1 3 5", got)
	}
}
