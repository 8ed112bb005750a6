package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hearsay/peer/node"
	"hearsay/peer/wire"
)

// serve starts a node without multicast, and its API.
func serve(t *testing.T, join ...string) (*node.Node, *Server) {
	t.Helper()
	n, err := node.Start(node.Config{Name: "ann", Listen: "127.0.0.1:0", NoMulticast: true, Join: join})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(n, l, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		s.Close()
		n.Close()
	})
	return n, s
}

// do makes a request, with headers in pairs, and returns the status code and the body.
func do(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestAnswers(t *testing.T) {
	_, s := serve(t)
	base := "http://" + s.Addr()
	long := strings.Repeat("x", wire.MaxBody)
	tests := []struct {
		name, method, path, body string
		headers                  []string
		code                     int
		says                     string
	}{
		{"healthy", "GET", "/healthz", "", nil, 200, "ok"},
		{"alone, and not for long", "GET", "/readyz", "", nil, 503, "alone"},
		{"status", "GET", "/status", "", nil, 200, `"slots":{"out":0,"links":3,"in":0,"serve":6}`},
		{"a message", "POST", "/messages", "hello", nil, 200, `"trace_id":"`},
		{"the longest message", "POST", "/messages", long, nil, 200, `"id":"`},
		{"one byte more", "POST", "/messages", long + "x", nil, 413, "longer than 65536 bytes"},
		{"a trace that goes on", "POST", "/messages", "hi", []string{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, 200, `"trace_id":"0af7651916cd43dd8448eb211c80319c"`},
		{"no traceparent at all", "POST", "/messages", "hi", []string{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"}, 200, `"trace_id":"`},
		{"another method", "DELETE", "/messages", "", nil, 405, ""},
		{"no such page", "GET", "/admin", "", nil, 404, ""},
		{"a page of elsewhere", "POST", "/messages", "spam", []string{"Origin", "http://evil.example"}, 403, "origin"},
		{"another site's form, without an origin", "POST", "/messages", "spam", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document"}, 403, "site"},
		{"an image on another site", "GET", "/status", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image"}, 403, "site"},
		{"a page at another port", "GET", "/status", "", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "script"}, 403, "site"},
		{"a link on another site", "GET", "/healthz", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document"}, 200, "ok"},
		{"typed in", "GET", "/healthz", "", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Dest", "document"}, 200, "ok"},
		{"a name of elsewhere", "GET", "/status", "", []string{"Host", "evil.example"}, 403, "localhost"},
		{"by the name localhost", "GET", "/healthz", "", []string{"Host", "localhost:1"}, 200, "ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, body := do(t, test.method, base+test.path, test.body, test.headers...)
			if code != test.code || !strings.Contains(body, test.says) {
				t.Errorf("answered %d %.200q, want %d with %q", code, body, test.code, test.says)
			}
			if test.name == "no traceparent at all" && strings.Contains(body, "0af7651916cd43dd") {
				t.Error("took a traceparent that is none")
			}
		})
	}
}

// everywhere is a listener that says it listens on every address.
type everywhere struct{ net.Listener }

func (e everywhere) Addr() net.Addr {
	a := *e.Listener.Addr().(*net.TCPAddr)
	a.IP = net.IPv4zero
	return &a
}

// Beyond loopback a program may call by any name, and a browser by none that an attacker could have made.
func TestNamesBeyondLoopback(t *testing.T) {
	n, _ := serve(t)
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(n, everywhere{l}, slog.New(slog.DiscardHandler))
	t.Cleanup(s.Close)
	base := "http://" + l.Addr().String()
	for _, test := range []struct {
		name    string
		headers []string
		code    int
	}{
		{"a program, by a name", []string{"Host", "peer-3.example"}, 200},
		{"a browser, by the address", []string{"Accept-Language", "de"}, 200},
		{"a browser, by a name", []string{"Host", "evil.example", "Accept-Language", "de"}, 403},
		{"a script that hides its language", []string{"Host", "evil.example", "Accept-Language", ""}, 403},
		{"a page that was served from that name", []string{"Host", "evil.example", "Origin", "http://evil.example"}, 403},
	} {
		if code, body := do(t, "GET", base+"/status", "", test.headers...); code != test.code {
			t.Errorf("%s: answered %d %.200q, want %d", test.name, code, body, test.code)
		}
	}
}

func TestReadyOnceAloneForLong(t *testing.T) {
	_, s := serve(t)
	client := NewClient(s.Addr())
	begin := time.Now()
	for {
		code, _ := do(t, "GET", "http://"+s.Addr()+"/readyz", "")
		if code == 200 {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the first peer never became ready")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if time.Since(begin) < time.Second {
		t.Error("took itself for the first before it had looked for others")
	}
	if err := client.Health(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestReadyWithALink(t *testing.T) {
	first, _ := serve(t)
	_, s := serve(t, first.Addr().String())
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if code, body := do(t, "GET", "http://"+s.Addr()+"/readyz", ""); code == 200 && strings.Contains(body, `"links":1`) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("not ready with a link")
		}
	}
}

func TestStream(t *testing.T) {
	n, s := serve(t)
	resp, err := http.Get("http://" + s.Addr() + "/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sent, err := NewClient(s.Addr()).Send(t.Context(), []byte("tab\there, <b>, \xff"), "")
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(resp.Body).ReadBytes('\n')
	var m Message
	if err == nil {
		err = json.Unmarshal(line, &m)
	}
	want := Message{ID: sent.ID, Origin: string(n.ID()), Name: "ann", Seq: 1, Hops: 0, TraceID: sent.TraceID, Text: "tab\there, <b>, \ufffd"}
	if err != nil || m != want {
		t.Errorf("the stream says %s (%v), want %+v", line, err, want)
	}
	if !bytes.Contains(line, []byte("<b>")) {
		t.Errorf("markup is escaped as for a page: %s", line)
	}
}

// Whoever begins a request and does not end it loses its connection; whoever reads the messages keeps it.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	n, s := serve(t)
	resp, err := http.Get("http://" + s.Addr() + "/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half := map[string]net.Conn{"POST /messages": nil, "GET /healthz": nil}
	for verb := range half {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(2 * requestFor))
		io.WriteString(c, verb+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
		half[verb] = c
	}
	for verb, c := range half {
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: a client that sends half a body keeps its connection", verb)
		}
	}
	if _, err := n.Publish(context.Background(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || !strings.Contains(line, "hello") {
		t.Errorf("a reader of the messages got %q and %v after a while without any", line, err)
	}
}

// However many read the messages, the health check finds a connection.
func TestManyStreams(t *testing.T) {
	_, s := serve(t)
	for i := range maxStreams + 1 {
		resp, err := http.Get("http://" + s.Addr() + "/messages")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		want := 200
		if i == maxStreams {
			want = 503
		}
		if resp.StatusCode != want {
			t.Fatalf("reader %d was answered %d, want %d", i+1, resp.StatusCode, want)
		}
	}
	if code, body := do(t, "GET", "http://"+s.Addr()+"/healthz", ""); code != 200 {
		t.Errorf("the health check was answered %d %q", code, body)
	}
}

func TestClientErrors(t *testing.T) {
	_, s := serve(t)
	if _, err := NewClient(s.Addr()).Send(t.Context(), make([]byte, wire.MaxBody+1), ""); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long: %v", err)
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	if err := NewClient(nobody).Health(t.Context()); err == nil || !strings.Contains(err.Error(), "no peer answers at http://"+nobody) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if _, err := Find(); err == nil || !strings.Contains(err.Error(), "--to") {
		t.Errorf("with nobody here: %v", err)
	}
	_, s := serve(t)
	remove := Note("ann", s.Addr())
	if addr, err := Find(); err != nil || addr != s.Addr() {
		t.Errorf("found %q, %v; want %s", addr, err, s.Addr())
	}
	remove()
	// One that was killed left its note behind.
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	Note("dead", l.Addr().String())
	if addr, err := Find(); err == nil {
		t.Errorf("found a dead peer at %s", addr)
	}
}
