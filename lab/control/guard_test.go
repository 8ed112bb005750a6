package control

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// In a container the machine itself comes by the gateway, and everybody else by an address of his own.
func TestOthersOfTheNetwork(t *testing.T) {
	s := &Server{cfg: Config{Listen: netip.IPv4Unspecified()}, gates: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("172.18.0.1")} }}
	served := func(remote, host string) int {
		r := httptest.NewRequest("GET", "/api/status", nil)
		r.RemoteAddr, r.Host = remote, host
		w := httptest.NewRecorder()
		s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		return w.Code
	}
	for _, test := range []struct {
		name, remote, host string
		code               int
	}{
		{"a command in the container", "127.0.0.1:40000", "127.0.0.1:7700", 200},
		{"the same by IPv6", "[::1]:40000", "localhost:7700", 200},
		{"a browser on the machine", "172.18.0.1:40000", "127.0.0.1:7700", 200},
		{"the same on a socket for both families", "[::ffff:172.18.0.1]:40000", "127.0.0.1:7700", 200},
		{"a page of elsewhere, in that browser", "172.18.0.1:40000", "evil.example", 403},
		{"the machine, by the container's own address", "172.18.0.1:40000", "172.18.0.5:7700", 403},
		{"another container", "172.18.0.7:40000", "172.18.0.5:7700", 403},
		{"another container that says it is here", "172.18.0.7:40000", "127.0.0.1:7700", 403},
		{"nobody", "", "127.0.0.1:7700", 403},
	} {
		if got := served(test.remote, test.host); got != test.code {
			t.Errorf("%s: %d, want %d", test.name, got, test.code)
		}
	}
	s.cfg.Listen = netip.MustParseAddr("127.0.0.1")
	if got := served("127.0.0.1:40000", "127.0.0.1:7700"); got != 200 {
		t.Errorf("on loopback: %d", got)
	}
	if _, err := New(Config{Listen: netip.MustParseAddr("192.0.2.7")}); err == nil || !strings.Contains(err.Error(), "192.0.2.7") {
		t.Errorf("on another address: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	s := &Server{cfg: Config{Listen: netip.MustParseAddr("127.0.0.1"), ReadOnly: true, Why: "give it the socket"}, token: "secret"}
	r := httptest.NewRequest("POST", "/api/fault", strings.NewReader(`{"fault":"heal"}`))
	r.Host = "127.0.0.1"
	r.Header.Set(TokenHeader, "secret")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was done") })).ServeHTTP(w, r)
	var e Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); w.Code != http.StatusForbidden || err != nil || e.Exit != exitCannot || e.Text != "this lab only watches: give it the socket" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
