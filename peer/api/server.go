// Package api is a peer's HTTP interface: the server that a node offers, and the client by which
// `peer send`, `peer status` and `peer health` talk to it.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/netutil"

	"hearsay/peer/node"
	"hearsay/peer/wire"
)

const (
	// maxClients bounds HTTP connections; further ones wait in the kernel.
	maxClients = 256
	// maxStreams bounds readers of GET /messages, who stay: whoever asks for the peer's health always
	// finds a connection.
	maxStreams = maxClients / 2
	// requestFor is how long a client may take to send a request, its body included.
	requestFor = 5 * time.Second
	// publishFor is how long a POST waits for neighbors that cannot take more, before it answers 503.
	publishFor = 10 * time.Second
	// streamFor is how long a write to a client of GET /messages may take before the stream ends.
	streamFor = 30 * time.Second
)

// Server serves one node's API.
type Server struct {
	node    *node.Node
	http    http.Server
	l       net.Listener
	done    chan struct{}
	streams chan struct{} // one place for each reader of GET /messages
	log     *slog.Logger
}

// Published is the answer to POST /messages.
type Published struct {
	ID      string `json:"id"`
	TraceID string `json:"trace_id"`
}

// Message is one line of GET /messages, and of a peer's standard output with --json.
type Message struct {
	ID      string `json:"id"`
	Origin  string `json:"origin"`
	Name    string `json:"name"`
	Seq     uint64 `json:"seq"`
	Hops    int    `json:"hops"`
	TraceID string `json:"trace_id"`
	Text    string `json:"text"`
}

// ToMessage is m as people's programs see it. Bytes that are not UTF-8 become U+FFFD, as JSON asks.
func ToMessage(m *node.Message) Message {
	return Message{
		ID: m.ID(), Origin: string(m.Origin.ID()), Name: m.Name, Seq: m.Seq, Hops: m.Hops,
		TraceID: m.TraceID(), Text: string(m.Text),
	}
}

// Listen opens the address of the API. The error says what to do about it.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be listened on; choose another, such as 127.0.0.1:0, or none: %w", addr, err)
	}
	return l, nil
}

// Serve serves the API on l until Close.
func Serve(n *node.Node, l net.Listener, log *slog.Logger) *Server {
	s := &Server{node: n, l: l, done: make(chan struct{}), streams: make(chan struct{}, maxStreams), log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("POST /messages", s.publish)
	mux.HandleFunc("GET /messages", s.messages)
	s.http = http.Server{
		Handler:        s.guard(mux),
		ReadTimeout:    requestFor,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		s.http.Serve(netutil.LimitListener(l, maxClients))
	}()
	return s
}

// Addr is where the API is served.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Close ends the API: it gives requests a moment to finish, and cuts streams.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	<-s.done
}

// guard turns away requests that a web page of elsewhere made a browser send: those that name another
// origin; those that name none, as an image's do, but that the browser says another site made (W3C
// Fetch Metadata); and those that came by a name which somebody may have made to stand for this peer's
// address (DNS rebinding): all of them where the API is for this machine alone, and elsewhere those of
// browsers. A link that a person follows may lead here.
func (s *Server) guard(next http.Handler) http.Handler {
	local := false
	if a, err := netip.ParseAddrPort(s.Addr()); err == nil {
		local = a.Addr().IsLoopback()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
				fail(w, http.StatusForbidden, "requests of another origin's page are not served")
				return
			}
		}
		site := r.Header.Get("Sec-Fetch-Site")
		followed := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document"
		if (site == "cross-site" || site == "same-site") && !followed {
			fail(w, http.StatusForbidden, "requests of another site's page are not served")
			return
		}
		if local && !localHost(r.Host) {
			fail(w, http.StatusForbidden, "this API is served on loopback: call it as localhost or by its address, not as "+r.Host)
			return
		}
		if fromBrowser(r) && !localHost(r.Host) {
			fail(w, http.StatusForbidden, "a browser calls this API by its address, not as "+r.Host)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromBrowser tells a browser from a program: it says which languages its user reads, where a request
// comes from, or both, and no script in it can leave that out.
func fromBrowser(r *http.Request) bool {
	for _, mark := range []string{"Accept-Language", "Origin", "Sec-Fetch-Site"} {
		if _, there := r.Header[mark]; there {
			return true
		}
	}
	return false
}

// localHost reports whether a Host is an address, or localhost.
func localHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// fail answers with an error in the one form that all errors have.
func fail(w http.ResponseWriter, code int, text string) {
	answer(w, code, map[string]string{"error": text})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	// Asking the loop is what makes this a health check: a stuck loop does not answer.
	if _, err := s.node.Status(r.Context()); err != nil {
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	st, err := s.node.Status(r.Context())
	switch {
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
	case !st.Ready:
		fail(w, http.StatusServiceUnavailable, "no link yet, and not alone for long enough to be the first")
	default:
		answer(w, http.StatusOK, map[string]any{"status": "ready", "links": len(st.Links)})
	}
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	st, err := s.node.Status(r.Context())
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, st)
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the message is longer than %d bytes", tooLong.Limit))
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		fail(w, http.StatusRequestTimeout, fmt.Sprintf("the body did not come within %v", requestFor))
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "the body cannot be read: "+err.Error())
		return
	}
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // or it would cut short the waiting below
	// A traceparent that is not one is ignored, as the recommendation asks (W3C Trace Context,
	// section 3.2.2.2).
	ctx := r.Context()
	if parent, err := wire.ParseContext(r.Header.Get("Traceparent")); err == nil {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID(parent.Trace), SpanID: trace.SpanID(parent.Span), TraceFlags: trace.TraceFlags(0).WithSampled(parent.Sampled), Remote: true,
		}))
	}
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	receipt, err := s.node.Publish(ctx, text)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "not published: "+err.Error())
		return
	}
	answer(w, http.StatusOK, Published{ID: receipt.ID, TraceID: receipt.TraceID})
}

// messages streams what is delivered and published here from now on, until the client goes.
func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d clients read the messages already", maxStreams))
		return
	}
	sub := s.node.SubscribeAll()
	defer sub.Close()
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{}) // the stream outlives the time for a request
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	rc.Flush()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for {
		batch, err := sub.Next(r.Context())
		if err != nil {
			if errors.Is(err, node.ErrSlow) {
				s.log.Warn("ended a reader of GET /messages that was too slow", "client", r.RemoteAddr)
				enc.Encode(map[string]string{"error": err.Error()})
			}
			return
		}
		rc.SetWriteDeadline(time.Now().Add(streamFor))
		for i := range batch {
			if enc.Encode(ToMessage(&batch[i])) != nil {
				return
			}
		}
		if rc.Flush() != nil {
			return
		}
	}
}
