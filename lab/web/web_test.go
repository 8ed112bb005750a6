package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch"
	"hearsay/lab/watch/live"
)

// site is a page that is served.
type site struct {
	t     *testing.T
	url   string
	watch *watch.Watch
	fleet *live.Fleet
}

func serve(t *testing.T, peers int, change func(*Config)) *site {
	t.Helper()
	w, err := watch.New(watch.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := simfleet.Config(fleet.Config{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := live.New(c, w.Take)
	w.Follow(f)
	if _, err := f.Add(t.Context(), peers, fleet.Options{}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Watch: w, Name: "test", Engine: "sim", Token: "secret"}
	if change != nil {
		change(&cfg)
	}
	mux := http.NewServeMux()
	Routes(mux, cfg)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		f.Close()
		w.Close()
	})
	return &site{t, s.URL, w, f}
}

func (s *site) get(path string, into any) *http.Response {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if text, ok := into.(*string); ok {
		*text = string(body)
	} else if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			s.t.Fatalf("%s: %v: %s", path, err, body)
		}
	}
	return r
}

// TestTheDocument wants every file that the page names to be there, nothing from elsewhere, and nothing in the document
// itself that the policy would have to allow.
func TestTheDocument(t *testing.T) {
	s := serve(t, 1, nil)
	var doc string
	r := s.get("/", &doc)
	if got := r.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("policy %q", got)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if m := regexp.MustCompile(`(?i)\son\w+=|\sstyle=|<style|javascript:|https?://`).FindString(doc); m != "" {
		t.Errorf("the document has %q in it", m)
	}
	todo := []string{}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(doc, -1) {
		todo = append(todo, m[1])
	}
	seen := map[string]bool{}
	for ; len(todo) > 0; todo = todo[1:] {
		path := todo[0]
		if seen[path] {
			continue
		}
		seen[path] = true
		var text string
		r := s.get(path, &text)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s", path, r.Status)
		}
		kind := r.Header.Get("Content-Type")
		if strings.HasSuffix(path, ".js") && !strings.HasPrefix(kind, "text/javascript") {
			t.Errorf("%s is %s", path, kind)
		}
		if m := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function`).FindString(text); m != "" {
			t.Errorf("%s makes markup or programs of strings: %s", path, m)
		}
		for _, m := range regexp.MustCompile(`from "\./([^"]+)"`).FindAllStringSubmatch(text, -1) {
			todo = append(todo, "/static/js/"+m[1])
		}
	}
	entries, err := files.ReadDir("static/js")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen["/static/js/"+e.Name()] {
			t.Errorf("%s is used by nobody", e.Name())
		}
	}
	for _, path := range []string{"/static/", "/static/js/", "/static/../web.go", "/static/none.js", "/none"} {
		if r := s.get(path, nil); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

func TestInfo(t *testing.T) {
	cannot := errors.New("there is no netem here")
	s := serve(t, 1, func(c *Config) {
		c.Jaeger = "http://127.0.0.1:16686/"
		c.Can = func(f string) error {
			if f == "delay" {
				return cannot
			}
			return nil
		}
	})
	var i Info
	s.get("/api/page", &i)
	if i.Token != "secret" || i.Why != "" || i.Boot == "" || i.Jaeger != "http://127.0.0.1:16686/" || len(i.Cannot) != 1 || i.Cannot["delay"] != cannot.Error() {
		t.Errorf("%+v", i)
	}
	s = serve(t, 1, func(c *Config) { c.Token, c.Jaeger = "", "javascript:alert(1)" })
	var other Info
	s.get("/api/page", &other)
	if other.Token != "" || other.Why == "" || other.Jaeger != "" || other.Boot == i.Boot {
		t.Errorf("%+v", other)
	}
}

// event is one of a stream.
type event struct{ name, data string }

// listen reads a stream's events until the test has what it wants.
func (s *site) listen(want func(event) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		s.t.Fatalf("the stream is %s: %s", kind, resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	var e event
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" && want(e) {
				return
			}
			e = event{}
		}
	}
	s.t.Fatal("the stream has ended: ", lines.Err())
}

// TestStream reads the state, and all that changes it, without a gap.
func TestStream(t *testing.T) {
	s := serve(t, 3, nil)
	var seq uint64
	first, said := true, false
	s.listen(func(e event) bool {
		if first {
			first = false
			var state watch.State
			if err := json.Unmarshal([]byte(e.data), &state); err != nil || e.name != "state" {
				t.Fatal(e.name, err)
			}
			seq = state.Seq
			return false
		}
		var b watch.Batch
		if err := json.Unmarshal([]byte(e.data), &b); err != nil || e.name != "batch" || b.Seq != seq+1 {
			t.Fatalf("after %d comes %s %d: %v", seq, e.name, b.Seq, err)
		}
		seq = b.Seq
		if b.Figures != nil && b.Figures.Meshed && !said {
			said = true
			if _, err := s.fleet.Publish(t.Context(), 1, []byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		return len(b.Messages) > 0 && b.Messages[0].Text == "hello"
	})
}

func TestTooManyStreams(t *testing.T) {
	s := serve(t, 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range maxStreams + 1 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[i < maxStreams]; resp.StatusCode != want {
			t.Fatalf("stream %d: %s", i, resp.Status)
		}
	}
}

// Readers that read nothing keep nobody out: once they have been there for a while, whoever comes takes the place of the
// first of them.
func TestStalledReadersMakeRoom(t *testing.T) {
	s := serve(t, 1, func(c *Config) { c.stays = time.Millisecond })
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	var stalled []*http.Response
	for range maxStreams {
		stalled = append(stalled, open())
	}
	for begun := time.Now(); open().StatusCode != http.StatusOK; {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("nobody makes room")
		}
	}
	if _, err := io.Copy(io.Discard, stalled[0].Body); err != nil {
		t.Errorf("the stream of who came first ends so: %v", err)
	}
}

func TestThePast(t *testing.T) {
	s := serve(t, 3, nil)
	if err := s.watch.Until(t.Context(), func(m *watch.Model) bool { return m.Figures().Meshed }); err != nil {
		t.Fatal(err)
	}
	p, err := s.fleet.Publish(t.Context(), 1, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.watch.Until(t.Context(), func(m *watch.Model) bool {
		a, err := m.Account(p.ID)
		return err == nil && a.Heard == 2 && a.Traced
	})
	if err != nil {
		t.Fatal(err)
	}
	var r watch.Replay
	s.get("/api/replay?at=0&for=60", &r)
	if r.State == nil || len(r.Batches) > 0 && r.Newest <= r.Oldest {
		t.Errorf("%+v", r)
	}
	var trace traceAnswer
	s.get("/api/traces/"+p.TraceID, &trace)
	if trace.Trace != p.TraceID || len(trace.Spans) < 3 {
		t.Errorf("%+v", trace)
	}
	for path, want := range map[string]int{
		"/api/replay": 400, "/api/replay?at=x": 400, "/api/replay?at=NaN": 400, "/api/replay?at=1e300": 400, "/api/replay?at=1&for=0": 400,
		"/api/replay?at=1&for=1e9": 400, "/api/replay?at=1&for=NaN": 400, "/api/traces/x": 400, "/api/traces/" + strings.Repeat("ab", 16): 404,
	} {
		var e struct{ Error string }
		if r := s.get(path, &e); r.StatusCode != want || e.Error == "" {
			t.Errorf("%s: %s, %q", path, r.Status, e.Error)
		}
	}
}

// TestOwner finds whose a connection is: ours here, and nobody's who is not on this machine.
func TestOwner(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	here, there := netip.MustParseAddrPort(c.LocalAddr().String()), netip.MustParseAddrPort(c.RemoteAddr().String())
	uid, known := socketOwner(here, there)
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("this system does not say whose a connection is")
	}
	if !known || uid != os.Getuid() {
		t.Errorf("our own connection is of user %d, %v", uid, known)
	}
	if _, known := socketOwner(netip.MustParseAddrPort("192.0.2.1:1234"), there); known {
		t.Error("a connection from elsewhere has an owner here")
	}
}
