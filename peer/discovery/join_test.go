package discovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseJoin(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct {
		list []string
		want string // the targets, or "!" and what the error says
	}{
		{nil, ""},
		{[]string{"", " , "}, ""},
		{[]string{"a:49153,b,tasks.peer"}, "a:49153 b:49152 tasks.peer:49152"},
		{[]string{"a", " b:1 , C.Example. "}, "a:49152 b:1 c.example.:49152"},
		{[]string{"a,a,a:49152,a:49153"}, "a:49152 a:49153"},
		{[]string{"10.0.0.1,10.0.0.1:65535"}, "10.0.0.1:49152 10.0.0.1:65535"},
		{[]string{"::1,[::1],[::1]:7,fe80::1%eth0,[fe80::1%eth0]:7"}, "[::1]:49152 [::1]:7 [fe80::1%eth0]:49152 [fe80::1%eth0]:7"},
		{[]string{"::ffff:10.0.0.1"}, "10.0.0.1:49152"},
		{[]string{"hearsay_peer.1.node,my-host,9to5.example"}, "hearsay_peer.1.node:49152 my-host:49152 9to5.example:49152"},
		{[]string{long + ".example"}, long + ".example:49152"},

		{[]string{"a,b c"}, `!"b c": ' '`},
		{[]string{"a:0"}, `!"a:0": a port`},
		{[]string{"a:65536"}, `!"a:65536": a port`},
		{[]string{"a:-1"}, `!"a:-1": a port`},
		{[]string{"a:http"}, `!"a:http": a port`},
		{[]string{"a:"}, `!"a:": a port`},
		{[]string{":49152"}, `!":49152": each part`},
		{[]string{"a..b"}, `!"a..b": each part`},
		{[]string{"."}, `!".": each part`},
		{[]string{"a" + long}, `!"a` + long + `": each part`},
		{[]string{strings.Repeat("a.", 126) + "ab"}, `at most 253`},
		{[]string{"http://a"}, `!"http://a": a port`},
		{[]string{"a/b"}, `!"a/b": '/'`},
		{[]string{"grüße"}, `!"grüße": `},
		{[]string{"10.0.0.256"}, `!"10.0.0.256": not an IPv4`},
		{[]string{"10.0.0"}, `!"10.0.0": not an IPv4`},
		{[]string{"0.0.0.0"}, `!"0.0.0.0": no machine`},
		{[]string{"239.255.77.77:49152"}, `!"239.255.77.77:49152": no machine`},
		{[]string{"1:2:3"}, `!"1:2:3": not a name`},
		{[]string{"[a]"}, `!"[a]": not an IPv6`},
		{[]string{"[a]:7"}, `!"[a]:7": not an IPv6`},
		{[]string{"::1%]"}, `!"::1%]": not the zone`},
		{[]string{"[::1"}, `!"[::1": not a name`},
		{[]string{"::1]"}, `!"::1]": not a name`},
	} {
		targets, err := ParseJoin(test.list)
		if err != nil {
			if want := strings.TrimPrefix(test.want, "!"); want == "" || !strings.Contains(err.Error(), want) || targets != nil {
				t.Errorf("%q: %v; want %s", test.list, err, test.want)
			}
			continue
		}
		got := []string{}
		for _, target := range targets {
			got = append(got, target.String())
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%q: %s; want %s", test.list, got, test.want)
		}
		// What it prints, it reads.
		again, err := ParseJoin(got)
		if err != nil || !slices.Equal(again, targets) {
			t.Errorf("%q read again: %v, %v", got, again, err)
		}
	}
}

func TestParseJoinLimit(t *testing.T) {
	var list []string
	for i := range MaxTargets {
		list = append(list, fmt.Sprint("peer-", i))
	}
	if targets, err := ParseJoin(append(list, "peer-0")); err != nil || len(targets) != MaxTargets {
		t.Errorf("%d targets, %v", len(targets), err)
	}
	if _, err := ParseJoin(append(list, "one-more")); err == nil || !strings.Contains(err.Error(), "one-more") {
		t.Error(err)
	}
}

func FuzzParseJoin(f *testing.F) {
	for _, s := range []string{"a:1,b", "[::1]:7", "10.0.0.1", "[", "]", "%", "[::1%]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		targets, err := ParseJoin([]string{s})
		if err != nil {
			return
		}
		for _, target := range targets {
			again, err := ParseJoin([]string{target.String()})
			if err != nil || len(again) != 1 || again[0] != target {
				t.Errorf("%q gives %q, which gives %v, %v", s, target, again, err)
			}
		}
	})
}
