package discovery

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"hearsay/peer/wire"
)

func TestStripReplica(t *testing.T) {
	for _, test := range []struct{ ptr, want string }{
		{"hearsay-peer-3.hearsay_default.", "peer-3"},
		{"hearsay-peer-3.hearsay_default", "peer-3"},
		{"my-app-peer-12.my-app_back.", "peer-12"},
		{"my_app-peer-1.my_app_default.", "peer-1"},
		{"my_app-peer-1.my_app_back_end.", "peer-1"},
		{"hearsay-slow-peer-3.hearsay_default.", "slow-peer-3"},
		{"hearsay_peer_3.hearsay_default.", "peer-3"}, // compose before version 2
		{"hearsay-peer-run-5f2c7d.hearsay_default.", "peer-run-5f2c7d"},
		{"hearsay-peer-3.lan.", "hearsay-peer-3"}, // a network with a name of its own
		{"hearsay-peer-3.other_lan.", "hearsay-peer-3"},
		{"hearsay-.hearsay_default.", "hearsay-"},
		{"hearsayer-1.hearsay_default.", "hearsayer-1"},
		{"a-b-1.a_b_c.", "b-1"},
		{"anna.lan.", "anna"}, // docker run --name anna
		{"anna", "anna"},
		{"demo_1.demo_net.", "demo-1"},
		{"demo-1.demo_net.", "demo-1"},

		{"hearsay_peer.3.k2jh4g5f6d7s8a9q1w2e3r4t5.hearsay_default.", "peer-3"},
		{"my_stack_peer.12.k2jh4g5f6d7s8a9q1w2e3r4t5.my_stack_default.", "peer-12"},
		{"peer.3.k2jh4g5f6d7s8a9q1w2e3r4t5.overlay.", "peer-3"}, // docker service create
		{"hearsay_peer.zzzh4g5f6d7s8a9q1w2e3r4t5.k2jh4g5f6d7s8a9q1w2e3r4t5.hearsay_default.", "peer-zzzh4"},

		{"3f1c9a0b7d2e.hearsay_default.", ""},
		{"3f1c9a0b7d2e", ""},
		{"3f1c9a0b7d2e3f1c9a0b7d2e3f1c9a0b7d2e3f1c9a0b7d2e3f1c9a0b7d2e0000.", ""},
		{"", ""},
		{".", ""},
	} {
		if got := stripReplica(test.ptr); got != test.want {
			t.Errorf("%q: %q, want %q", test.ptr, got, test.want)
		}
	}
}

func TestReverseName(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")}
	for _, test := range []struct {
		why   string
		names map[string][]string // nil: silent
		want  string
		took  time.Duration
	}{
		{"an id is passed over", map[string][]string{"10.0.0.1": {"3f1c9a0b7d2e", "hearsay-peer-2.hearsay_default."}}, "peer-2", 0},
		{"the first address wins", map[string][]string{"10.0.0.3": {"c.lan."}, "10.0.0.2": {"b.lan."}}, "b", 0},
		{"nobody knows", map[string][]string{}, "", 0},
		{"one is silent", map[string][]string{"10.0.0.1": nil, "10.0.0.2": {"b.lan."}}, "b", replicaTimeout},
		{"all are silent", map[string][]string{"10.0.0.1": nil, "10.0.0.2": nil, "10.0.0.3": nil}, "", replicaTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got := reverseName(t.Context(), addrs, func(ctx context.Context, addr string) ([]string, error) {
				names, ok := test.names[addr]
				if !ok {
					return nil, errors.New("no such host")
				}
				if names == nil {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return names, nil
			})
			if took := time.Since(start); got != test.want || took != test.took {
				t.Errorf("%s: %q after %v, want %q after %v", test.why, got, took, test.want, test.took)
			}
		})
	}
}

func TestReplicaNameIsAName(t *testing.T) {
	if name := ReplicaName(t.Context()); wire.CheckName(name) != nil {
		t.Errorf("%q", name)
	}
}
