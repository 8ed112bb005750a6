package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/labtest"
	"hearsay/lab/quantity"
)

func TestMain(m *testing.M) {
	local.Main()
	dir, err := os.MkdirTemp("", "hearsay-control-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// lab is one that runs, with what it said.
type lab struct {
	*control.Server
	*control.Client
	mesh *labtest.Mesh
	mu   sync.Mutex
	said []string
}

func start(t *testing.T, n int) *lab {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	l := &lab{mesh: labtest.Start(t, n)}
	var err error
	l.Server, err = control.New(control.Config{Fleet: l.mesh.Fleet, Watch: l.mesh.Watch, Said: func(text string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.said = append(l.said, text)
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.Serve()
	t.Cleanup(l.Close)
	if l.Client, err = control.Dial(""); err != nil {
		t.Fatal(err)
	}
	l.mesh.WaitMeshed(10 * time.Second)
	return l
}

// want wants an outcome that is good and says all of this.
func want(t *testing.T, o *control.Outcome, err error, says ...string) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	for _, s := range says {
		if !strings.Contains(o.Text, s) {
			t.Errorf("it says %q, want %q in it", o.Text, s)
		}
	}
	if !o.OK {
		t.Errorf("not good: %+v", o)
	}
}

func wantError(t *testing.T, err error, exit int, says string) {
	t.Helper()
	e, ok := errors.AsType[*control.Error](err)
	if !ok || e.Exit != exit || !strings.Contains(e.Text, says) {
		t.Errorf("error %v (%+v), want exit code %d and %q", err, e, exit, says)
	}
}

func TestASessionWithFaults(t *testing.T) {
	l := start(t, 6)
	ctx := t.Context()
	sent, err := l.Client.Send(ctx, control.SendRequest{Text: "hello", From: "peer-2"})
	if err != nil || !sent.OK || sent.From != 2 || !strings.HasPrefix(sent.Text, `"hello" from peer-2: all 5 in `) {
		t.Errorf("sent %+v, %v", sent, err)
	}
	fault := func(q control.FaultRequest) (*control.Outcome, error) {
		q.Wait = true
		return l.Client.Fault(ctx, q)
	}
	o, err := fault(control.FaultRequest{Fault: "kill", Peers: "root"})
	want(t, o, err, "(root) killed.", "neighbors noticed in", "flowed again after", "is root.")
	if o.Neighbors == 0 || o.NoticedMS < 0 || o.FlowedMS < 0 || o.HealedMS < 0 || o.Root == 0 || slices.Contains(o.Peers, o.Root) {
		t.Errorf("%+v", o)
	}
	victim := o.Peers[0]
	_, err = fault(control.FaultRequest{Fault: "kill", Peers: strconv.Itoa(victim)})
	wantError(t, err, 2, "has ended")
	o, err = fault(control.FaultRequest{Fault: "start", Peers: "dead"})
	want(t, o, err, "started.", "everywhere after", "whole after")
	o, err = fault(control.FaultRequest{Fault: "partition", Groups: "1,2,3/4,5,6"})
	want(t, o, err, "peer-1, peer-2, peer-3 | peer-4, peer-5, peer-6", "links across", "each side was whole")
	st, err := l.Client.Status(ctx)
	if err != nil || len(st.Cut) != 2 || len(st.Parts) != 2 || !st.Figures.Meshed || len(st.Peers) != 6 {
		t.Errorf("cut: %+v, %v", st, err)
	}
	sent, err = l.Client.Send(ctx, control.SendRequest{Text: "half of you"})
	if err != nil || sent.OK || !strings.Contains(sent.Text, "missed by peer-4") {
		t.Errorf("through the cut: %+v, %v", sent, err)
	}
	o, err = fault(control.FaultRequest{Fault: "kill", Peers: "3"})
	want(t, o, err, "killed.", "flowed again after") // on its side
	o, err = fault(control.FaultRequest{Fault: "start", Peers: "3"})
	want(t, o, err, "started.")
	o, err = fault(control.FaultRequest{Fault: "heal"})
	want(t, o, err, "Nothing is cut", "whole a") // after some time, or at once
	if strings.Contains(o.Text, "already") {
		t.Errorf("two parts were whole: %s", o.Text)
	}
	if a, err := l.Client.Explain(ctx, sent.ID); err != nil || len(a.Missing) > 0 {
		t.Errorf("after it: %+v, %v", a, err)
	}
	by := quantity.Spread{Mean: 20 * time.Millisecond, By: 5 * time.Millisecond}
	o, err = fault(control.FaultRequest{Fault: "delay", By: &by, Peers: "1,2"})
	want(t, o, err, "What peer-1, peer-2 send comes 20ms±5ms late. What peer-1 then said was heard first after ")
	share := quantity.Share(0.05)
	o, err = fault(control.FaultRequest{Fault: "loss", Share: &share, Peers: "3"})
	want(t, o, err, "5% of what peer-3 sends is lost.")
	o, err = fault(control.FaultRequest{Fault: "scale", Count: 8})
	want(t, o, err, "8 peers: peer-7, peer-8 started.")
	o, err = fault(control.FaultRequest{Fault: "scale", Count: 5})
	want(t, o, err, "5 peers left: peer-6, peer-7, peer-8 stopped.")
	if l.mesh.Fleet.Can(fleet.FaultPause) == nil {
		o, err = fault(control.FaultRequest{Fault: "pause", Peers: "5"})
		want(t, o, err, "paused.", "noticed in")
		o, err = fault(control.FaultRequest{Fault: "resume", Peers: "5"})
		want(t, o, err, "peer-5 goes on.", "everywhere after")
	}
	o, err = fault(control.FaultRequest{Fault: "restart", Peers: "2"})
	want(t, o, err, "restarted.")
	if s, err := l.Client.Peer(ctx, 2); err != nil || s.Name != "peer-2" {
		t.Errorf("its own status: %+v, %v", s, err)
	}
	rate := quantity.Rate(10)
	o, err = fault(control.FaultRequest{Fault: "churn", Rate: &rate, For: "1s"})
	want(t, o, err, "killed and started again")
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.said) < 12 {
		t.Errorf("the lab itself said %q", l.said)
	}
}

func TestBadRequests(t *testing.T) {
	l := start(t, 2)
	ctx := t.Context()
	share := quantity.Share(0.5)
	for _, test := range []struct {
		q    control.FaultRequest
		exit int
		says string
	}{
		{control.FaultRequest{Fault: "explode"}, 2, "say which peers"},
		{control.FaultRequest{Fault: "explode", Peers: "1"}, 2, "there is no fault"},
		{control.FaultRequest{Fault: "kill"}, 2, "say which peers"},
		{control.FaultRequest{Fault: "kill", Peers: "peer-9"}, 2, "there are peer-1, peer-2"},
		{control.FaultRequest{Fault: "kill", Peers: "random 7"}, 2, "only 2 peers live"},
		{control.FaultRequest{Fault: "start", Peers: "dead"}, 2, "nobody"},
		{control.FaultRequest{Fault: "start", Peers: "1"}, 2, "runs already"},
		{control.FaultRequest{Fault: "partition", Groups: "1,2"}, 2, "everybody"},
		{control.FaultRequest{Fault: "partition", Groups: "1/1,2"}, 2, "two groups"},
		{control.FaultRequest{Fault: "partition", Groups: "1/3"}, 2, "no peer"},
		{control.FaultRequest{Fault: "delay", Peers: "1"}, 2, "by how much"},
		{control.FaultRequest{Fault: "loss", Peers: "1"}, 2, "how much"},
		{control.FaultRequest{Fault: "loss", Peers: "7", Share: &share}, 2, "no peer"},
		{control.FaultRequest{Fault: "churn"}, 2, "how often"},
		{control.FaultRequest{Fault: "scale", Count: 0}, 2, "no number of peers"},
		{control.FaultRequest{Fault: "scale", Count: 2}, 2, "already"},
		{control.FaultRequest{Fault: "resume", Peers: "1"}, 2, "not paused"},
		{control.FaultRequest{Fault: "resume", Peers: "all"}, 2, "nobody"},
	} {
		_, err := l.Client.Fault(ctx, test.q)
		wantError(t, err, test.exit, test.says)
	}
	_, err := l.Client.Send(ctx, control.SendRequest{Text: "x", From: "nobody"})
	wantError(t, err, 2, "there are peer-1, peer-2")
	_, err = l.Client.Send(ctx, control.SendRequest{Text: "x", From: "all"})
	wantError(t, err, 2, "name one")
	_, err = l.Client.Send(ctx, control.SendRequest{Text: strings.Repeat("x", 64<<10+1)})
	wantError(t, err, 2, "longer than")
	_, err = l.Client.Explain(ctx, "nothing of the kind")
	wantError(t, err, 2, "")
}

// What a page of elsewhere, or another program, makes of it.
func TestGuard(t *testing.T) {
	l := start(t, 1)
	base := "http://127.0.0.1:" + strconv.Itoa(l.Port())
	token := [2]string{control.TokenHeader, l.Token()}
	kind := [2]string{"Content-Type", "application/json"}
	for _, test := range []struct {
		name, method, path, body string
		headers                  [][2]string
		code                     int
	}{
		{"a look", "GET", "/api/peers", "", nil, 200},
		{"a look by name", "GET", "/api/status", "", [][2]string{{"Host", "localhost:1"}}, 200},
		{"a name that was made to point here", "GET", "/api/status", "", [][2]string{{"Host", "evil.example"}}, 403},
		{"another address", "GET", "/api/status", "", [][2]string{{"Host", "192.168.1.5"}}, 403},
		{"a good one", "POST", "/api/send", `{"text":"x","no_wait":true}`, [][2]string{token, kind}, 200},
		{"no token", "POST", "/api/send", `{"text":"x"}`, [][2]string{kind}, 403},
		{"another token", "POST", "/api/send", `{"text":"x"}`, [][2]string{{control.TokenHeader, "guess"}, kind}, 403},
		{"a form", "POST", "/api/send", `{"text":"x"}`, [][2]string{token, {"Content-Type", "text/plain"}}, 415},
		{"another origin", "POST", "/api/send", `{"text":"x"}`, [][2]string{token, kind, {"Origin", "http://evil.example"}}, 403},
		{"another site", "POST", "/api/send", `{"text":"x"}`, [][2]string{token, kind, {"Sec-Fetch-Site", "cross-site"}}, 403},
		{"our own page", "POST", "/api/send", `{"text":"x","no_wait":true}`, [][2]string{token, kind, {"Sec-Fetch-Site", "same-origin"}, {"Origin", base}}, 200},
		{"no JSON", "POST", "/api/fault", `kill root`, [][2]string{token, kind}, 400},
		{"a word too many", "POST", "/api/fault", `{"fault":"heal","force":true}`, [][2]string{token, kind}, 400},
		{"two values", "POST", "/api/fault", `{"fault":"heal"} {}`, [][2]string{token, kind}, 400},
		{"a flood", "POST", "/api/send", `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, [][2]string{token, kind}, 400},
		{"a change by looking", "GET", "/api/fault", "", nil, 405},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequest(test.method, base+test.path, bytes.NewReader([]byte(test.body)))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range test.headers {
				if r.Header.Set(h[0], h[1]); h[0] == "Host" {
					r.Host = h[1]
				}
			}
			c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, _ := io.ReadAll(resp.Body)
			var e control.Error
			if resp.StatusCode != test.code || test.code/100 == 4 && test.code != 405 && (json.Unmarshal(data, &e) != nil || e.Text == "") {
				t.Errorf("answered %d %.200s, want %d", resp.StatusCode, data, test.code)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if _, err := control.Find(""); !errors.Is(err, control.ErrNone) {
		t.Errorf("with none: %v", err)
	}
	mesh := labtest.Start(t, 1)
	var servers []*control.Server
	for _, name := range []string{"one", "two"} {
		s, err := control.New(control.Config{Fleet: mesh.Fleet, Watch: mesh.Watch, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		s.Serve()
		defer s.Close()
		servers = append(servers, s)
	}
	if _, err := control.Find(""); err == nil || !strings.Contains(err.Error(), "one (local") || !strings.Contains(err.Error(), "two (local") {
		t.Errorf("with two: %v", err)
	}
	for _, which := range []string{"two", strconv.Itoa(servers[1].Port())} {
		if n, err := control.Find(which); err != nil || n.Name != "two" {
			t.Errorf("%q is %+v, %v", which, n, err)
		}
	}
	if _, err := control.Find("three"); err == nil || !strings.Contains(err.Error(), `no lab "three"`) {
		t.Errorf("one that does not run: %v", err)
	}
	_, err := control.New(control.Config{Fleet: mesh.Fleet, Watch: mesh.Watch, Port: servers[0].Port()})
	if err == nil || !strings.Contains(err.Error(), "is taken") || !strings.Contains(err.Error(), "--port") {
		t.Errorf("a port that is taken: %v", err)
	}
	servers[0].Close()
	if n, err := control.Find(""); err != nil || n.Name != "two" {
		t.Errorf("the other has ended: %+v, %v", n, err)
	}
	c, err := control.Dial("two")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() { told <- c.Down(t.Context()) }()
	<-servers[1].Down()
	servers[1].Close()
	select {
	case err := <-told:
		t.Errorf("it is said to have ended before it has: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	servers[1].Ended()
	if err := <-told; err != nil {
		t.Error(err)
	}
}
