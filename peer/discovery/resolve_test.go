package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// zone is a name server's memory.
type zone map[string][]string

func (z zone) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, ok := z[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if addrs == nil { // silent
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var out []netip.Addr
	for _, a := range addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

func targetsOf(t *testing.T, list string) []Target {
	t.Helper()
	targets, err := ParseJoin([]string{list})
	if err != nil {
		t.Fatal(err)
	}
	return targets
}

func TestResolve(t *testing.T) {
	z := zone{
		"tasks.peer": {"10.0.0.9", "10.0.0.10", "fd00::3", "::ffff:10.0.0.2"},
		"same":       {"10.0.0.9"},
		"silent":     nil,
	}
	for _, test := range []struct{ list, want, lost string }{
		{"", "", ""},
		{"10.0.0.1,[fd00::1]:7", "10.0.0.1:49152 [fd00::1]:7", ""},
		{"tasks.peer,same,10.0.0.9", "10.0.0.2:49152 10.0.0.9:49152 10.0.0.10:49152 [fd00::3]:49152", ""},
		{"same,same:50000", "10.0.0.9:49152 10.0.0.9:50000", ""},
		{"nowhere,same,neither", "10.0.0.9:49152", "nowhere neither"},
		{"silent,same", "10.0.0.9:49152", "silent"},
		{"nowhere", "", "nowhere"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r := Resolver{Lookup: z.lookup}
			addrs, err := r.Resolve(t.Context(), targetsOf(t, test.list))
			got := []string{}
			for _, a := range addrs {
				got = append(got, a.String())
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("%q: %s; want %s", test.list, got, test.want)
			}
			if (err == nil) != (test.lost == "") {
				t.Errorf("%q: %v", test.list, err)
			}
			for _, name := range strings.Fields(test.lost) {
				if !strings.Contains(err.Error(), "lookup "+name+":") {
					t.Errorf("%q: %v does not name %s", test.list, err, name)
				}
			}
			if took := time.Since(start); took > DefaultResolveTimeout {
				t.Errorf("%q took %v", test.list, took)
			}
		})
	}
}

func TestResolveIsBounded(t *testing.T) {
	z := zone{}
	for i := range 3 * MaxResolved {
		z["many"] = append(z["many"], fmt.Sprintf("10.0.%d.%d", i/256, i%256))
	}
	r := Resolver{Lookup: z.lookup}
	first, err := r.Resolve(t.Context(), targetsOf(t, "many"))
	if err != nil || len(first) != MaxResolved || !slices.IsSortedFunc(first, netip.AddrPort.Compare) {
		t.Errorf("%d addresses, %v", len(first), err)
	}
	if r.Left() != 2*MaxResolved {
		t.Errorf("left %d", r.Left())
	}
	second, _ := r.Resolve(t.Context(), targetsOf(t, "many"))
	if slices.Equal(first, second) {
		t.Error("the same selection twice: some would never be tried")
	}
}

func TestResolveStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		r := Resolver{Lookup: zone{"silent": nil}.lookup}
		start := time.Now()
		if _, err := r.Resolve(ctx, targetsOf(t, "silent")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if took := time.Since(start); took != 10*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestResolveAsksTheSystem(t *testing.T) {
	var r Resolver
	addrs, err := r.Resolve(t.Context(), targetsOf(t, "localhost:7"))
	if err != nil || len(addrs) == 0 || !addrs[0].Addr().IsLoopback() || addrs[0].Port() != 7 {
		t.Errorf("localhost is %v, %v", addrs, err)
	}
}
