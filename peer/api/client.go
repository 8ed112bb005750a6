package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client talks to a running peer.
type Client struct {
	base string
	http http.Client
}

// callFor is how long a call may take: longer than the server's own patience with a publication.
const callFor = publishFor + 5*time.Second

// NewClient returns a client of the peer whose API is at addr, a host and port or an http:// URL.
func NewClient(addr string) *Client {
	if !strings.Contains(addr, "://") {
		// A peer that serves on every address is reached on loopback.
		if host, port, err := net.SplitHostPort(addr); err == nil {
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				addr = net.JoinHostPort("127.0.0.1", port)
			}
		}
		addr = "http://" + addr
	}
	return &Client{base: strings.TrimSuffix(addr, "/"), http: http.Client{Timeout: callFor}}
}

// By has the client go by way of a transport, whose connections are its owner's to close. Nil is the usual one.
func (c *Client) By(t http.RoundTripper) *Client {
	c.http.Transport = t
	return c
}

// Send publishes text at the peer. A valid traceparent makes it part of that trace; empty is none.
func (c *Client) Send(ctx context.Context, text []byte, traceparent string) (Published, error) {
	var p Published
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	if traceparent != "" {
		header.Set("Traceparent", traceparent)
	}
	body, err := c.do(ctx, http.MethodPost, "/messages", header, bytes.NewReader(text))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(body, &p)
}

// Status returns the peer's status as the JSON it sent.
func (c *Client) Status(ctx context.Context) (json.RawMessage, error) {
	return c.do(ctx, http.MethodGet, "/status", nil, nil)
}

// Health returns nil if the peer answers that it is well.
func (c *Client) Health(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "/healthz", nil, nil)
	return err
}

// maxAnswer bounds what is read of an answer: a status with every table full is far below it.
const maxAnswer = 4 << 20

func (c *Client) do(ctx context.Context, method, path string, header http.Header, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no peer answers at %s: %w", c.base, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.base+path, err)
	}
	if resp.StatusCode != http.StatusOK {
		var e struct{ Error string }
		if json.Unmarshal(data, &e) != nil || e.Error == "" {
			e.Error = resp.Status
		}
		return nil, fmt.Errorf("the peer at %s: %s", c.base, e.Error)
	}
	return data, nil
}

// Stream is a peer's deliveries and own publications, as they come.
type Stream struct {
	body io.ReadCloser
	dec  *json.Decoder
}

// Messages begins a stream, which ends with the context.
func (c *Client) Messages(ctx context.Context) (*Stream, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/messages", nil)
	if err != nil {
		return nil, err
	}
	endless := http.Client{Transport: c.http.Transport}
	resp, err := endless.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no peer answers at %s: %w", c.base, err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("the peer at %s: %s", c.base, resp.Status)
	}
	return &Stream{resp.Body, json.NewDecoder(resp.Body)}, nil
}

// Next waits for the next message.
func (s *Stream) Next() (*Message, error) {
	var line struct {
		Message
		Error string `json:"error"`
	}
	if err := s.dec.Decode(&line); err != nil {
		return nil, err
	}
	if line.Error != "" {
		return nil, errors.New(line.Error)
	}
	return &line.Message, nil
}

// Close ends the stream.
func (s *Stream) Close() { s.body.Close() }
