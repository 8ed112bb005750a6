package otlp

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"golang.org/x/net/netutil"
	"google.golang.org/protobuf/proto"
)

// requestFor is how long a client may take to send a request, its body included.
const requestFor = 10 * time.Second

// web is OTLP over HTTP, for traces alone: for a collector that finds a lab again at once which was away, where gRPC
// waits for up to two minutes.
type web struct {
	server http.Server
	addr   string
	done   chan struct{}
}

func (r *Receiver) listenHTTP(addr string) (*web, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("receive traces on %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", r.post)
	w := &web{addr: l.Addr().String(), done: make(chan struct{})}
	w.server = http.Server{Handler: mux, ReadTimeout: requestFor, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		defer close(w.done)
		w.server.Serve(netutil.LimitListener(l, maxConns))
	}()
	return w, nil
}

func (w *web) close() {
	if w == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		w.server.Close()
	}
	<-w.done
}

// post takes one request, in protobuf.
func (r *Receiver) post(w http.ResponseWriter, q *http.Request) {
	const protobuf = "application/x-protobuf"
	if kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")); kind != protobuf {
		http.Error(w, "spans are taken as "+protobuf, http.StatusUnsupportedMediaType)
		return
	}
	data, err := readBody(w, q)
	var req coltrace.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &req)
	}
	if err != nil {
		code := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large || errors.Is(err, errLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), code)
		return
	}
	out, err := proto.Marshal(r.answer(&req))
	if err != nil {
		panic("an answer cannot be encoded: " + err.Error())
	}
	w.Header().Set("Content-Type", protobuf)
	w.Write(out)
}

var errLarge = fmt.Errorf("a request has at most %d bytes", maxRequest)

// readBody reads a body of at most maxRequest bytes, as sent and as meant.
func readBody(w http.ResponseWriter, q *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, q.Body, maxRequest)
	switch how := q.Header.Get("Content-Encoding"); how {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	default:
		return nil, fmt.Errorf("the content encoding %q is not known here", how)
	}
	data, err := io.ReadAll(io.LimitReader(body, maxRequest+1))
	if err == nil && len(data) > maxRequest {
		err = errLarge
	}
	return data, err
}
