package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// hello is a HELLO that would be welcome, but for what edit changes.
func hello(id wire.ID, edit func(h *wire.Hello)) string {
	h := wire.Hello{Version: wire.Version, ID: id, Name: "stranger", Port: wire.MinPort, Slots: wire.Slots{Links: 3, Serve: 6}, Root: id, RootSeq: 1}
	if edit != nil {
		edit(&h)
	}
	return string(wire.AppendHello(nil, h))
}

// Whatever a stranger sends, its connection ends with a named reason that is counted, and the node's
// neighbor notices nothing.
func TestStrangersWhoSendNonsense(t *testing.T) {
	// Room for three guests: on a busy machine b may be one of them for a while.
	a, err := Start(Config{Name: "a", Listen: "127.0.0.1:0", NoMulticast: true, Serve: 18})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Start(Config{Name: "b", Listen: "127.0.0.1:0", NoMulticast: true, Join: []string{a.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	status := func() Status {
		s, err := a.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	eventually(t, "a and b are linked", func() bool { return len(status().Links) == 1 })
	heard := b.Subscribe()
	since := status().Links[0].SinceMS

	stranger := wire.ID(strings.Repeat("5", wire.IDLen))
	anOrigin := string(stranger) + ".1"
	tests := []struct {
		name string
		send string
		want wire.Reason
	}{
		{"garbage", "GET / HTTP/1.1\r\n\r\n", wire.ReasonVerb},
		{"binary", "\x16\x03\x01\x02\x00\x01\x00\n", wire.ReasonVerb},
		{"an endless line", strings.Repeat("A", 5000), wire.ReasonLine},
		{"a frame before HELLO", "PING 1 0/3 0/6\n", wire.ReasonHandshake},
		{"a message before HELLO", "MSG 0 1 - " + anOrigin + " 1 1 x - 2\nhi\n", wire.ReasonHandshake},
		{"a broken HELLO", "HELLO 1 xyz\n", wire.ReasonFrame},
		{"another version", hello(stranger, func(h *wire.Hello) { h.Version = 2 }), wire.ReasonVersion},
		{"our own ID", hello(a.ID(), nil), wire.ReasonSelf},
		{"two HELLOs", hello(stranger, nil) + hello(stranger, nil), wire.ReasonHandshake},
		{"a body too long", hello(stranger, nil) + "MSG 0 1 - " + anOrigin + " 1 1 x - 65537\n", wire.ReasonBody},
		{"a body without its newline", hello(stranger, nil) + "MSG 0 1 - " + anOrigin + " 1 1 x - 2\nhi!!!\n", wire.ReasonFrame},
		{"a sequence number of zero", hello(stranger, nil) + "MSG 0 1 - " + anOrigin + " 0 1 x - 2\nhi\n", wire.ReasonFrame},
		{"a hop count of a million", hello(stranger, nil) + "MSG 0 1000000 - " + anOrigin + " 1 1 x - 2\nhi\n", wire.ReasonFrame},
		{"a range that ends before it begins", hello(stranger, nil) + "WANT 5 " + anOrigin + " 9-3\n", wire.ReasonFrame},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := status().Faults
			c, err := net.Dial("tcp", a.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go io.WriteString(c, test.send)
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			answer, err := io.ReadAll(c)
			if err != nil && strings.Contains(err.Error(), "timeout") {
				t.Fatalf("the connection stays open; the node said %q", answer)
			}
			if !bytes.Contains(answer, []byte("CLOSE "+test.want+"\n")) && !bytes.Contains(answer, []byte("REFER "+test.want)) {
				t.Errorf("the node said %q, want it to end with %s", answer, test.want)
			}
			after := status().Faults
			if after.Closed[test.want]+after.Refused[test.want] != before.Closed[test.want]+before.Refused[test.want]+1 {
				t.Errorf("%s was counted %d and %d times, before %d and %d", test.want,
					after.Closed[test.want], after.Refused[test.want], before.Closed[test.want], before.Refused[test.want])
			}
		})
	}

	// Those who say nothing, or half of something, lose their connection in time and hold nobody up.
	for _, half := range []string{"", "HELLO 1 "} {
		c, err := net.Dial("tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, half)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if answer, err := io.ReadAll(c); err != nil || !bytes.Contains(answer, []byte("CLOSE handshake\n")) {
			t.Errorf("after %q the node said %q (%v)", half, answer, err)
		}
	}

	if _, err := a.Publish(t.Context(), []byte("still here")); err != nil {
		t.Fatal(err)
	}
	got, err := heard.Next(t.Context())
	if err != nil || string(got[0].Text) != "still here" {
		t.Errorf("b heard %v, %v", got, err)
	}
	if s := status(); len(s.Links) != 1 || s.Links[0].SinceMS < since {
		t.Errorf("a's link to b did not last: %+v", s.Links)
	}
}

// However much garbage comes, all of it is counted, and a little of it logged.
func TestGarbageDoesNotFillTheLog(t *testing.T) {
	const sent = 5 * rationSize
	var log bytes.Buffer
	a, err := Start(Config{Name: "a", Listen: "127.0.0.1:0", NoMulticast: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range sent {
		c, err := net.Dial("tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		io.Copy(io.Discard, c) // one after the other: of many at one time some are turned away unheard
		c.Close()
	}
	eventually(t, "all of it is counted", func() bool {
		s, err := a.Status(t.Context())
		return err == nil && s.Faults.Closed[wire.ReasonVerb]+s.Faults.Refused[wire.ReasonVerb] == sent
	})
	a.Close()
	if n := strings.Count(log.String(), "closed a connection for what it sent"); n != rationSize {
		t.Errorf("%d lines of the log, want %d", n, rationSize)
	}
}

// A thousand connections that say nothing neither fill a node up nor keep an honest peer out.
func TestSilentCrowd(t *testing.T) {
	a, err := Start(Config{Name: "a", Listen: "127.0.0.1:0", NoMulticast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for range 300 {
		c, err := net.Dial("tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	b, err := Start(Config{Name: "b", Listen: "127.0.0.1:0", NoMulticast: true, Join: []string{a.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	eventually(t, "b got in", func() bool {
		s, err := b.Status(t.Context())
		return err == nil && len(s.Links) == 1
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("not within ten seconds: " + what)
}

func TestTooLongIsRefused(t *testing.T) {
	a, err := Start(Config{Name: "a", Listen: "127.0.0.1:0", NoMulticast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Publish(t.Context(), make([]byte, wire.MaxBody+1)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(wire.MaxBody)) {
		t.Errorf("a message over the limit: %v", err)
	}
	if _, err := a.Publish(t.Context(), make([]byte, wire.MaxBody)); err != nil {
		t.Errorf("the longest message: %v", err)
	}
}
