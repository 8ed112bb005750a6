package control

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveAs is a client of a lab that answers as told, with limits that are short.
func serveAs(t *testing.T, answers http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or it is not seen that the client has gone
		answers(w, r)
	}))
	t.Cleanup(s.Close)
	c := newClient(Note{Addr: strings.TrimPrefix(s.URL, "http://"), PID: 4711})
	c.within, c.every, c.endWithin = 100*time.Millisecond, 10*time.Millisecond, 100*time.Millisecond
	return c
}

// A lab that is stuck is told of, and nobody waits for it for ever.
func TestStuckLab(t *testing.T) {
	stuck := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/down" {
			io.WriteString(w, "{}\n")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
	c := serveAs(t, stuck)
	for what, do := range map[string]func() error{
		"status":  func() error { _, err := c.Status(t.Context()); return err },
		"explain": func() error { _, err := c.Explain(t.Context(), "last"); return err },
		"send":    func() error { _, err := c.Send(t.Context(), SendRequest{Text: "x"}); return err },
		"fault":   func() error { _, err := c.Fault(t.Context(), FaultRequest{Fault: "heal"}); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "does not answer within 100ms: its process, 4711,") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.Down(t.Context()); err == nil || !strings.Contains(err.Error(), "told to end and has not within 100ms: its process is 4711") {
		t.Errorf("down: %v", err)
	}
}

// One that is about something long is waited for, if it says meanwhile how it does.
func TestLongFault(t *testing.T) {
	var asked atomic.Int32
	long := make(chan struct{})
	c := serveAs(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/fault" {
			<-long
			json.NewEncoder(w).Encode(&Outcome{Text: "done"})
			return
		}
		if asked.Add(1) == 3 {
			close(long)
		}
		json.NewEncoder(w).Encode(&Status{})
	})
	if o, err := c.Fault(t.Context(), FaultRequest{Fault: "churn"}); err != nil || o.Text != "done" {
		t.Errorf("%+v, %v", o, err)
	}
}
