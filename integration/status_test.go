package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Status is what a peer answers to GET /status.
type Status struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Addr   string `json:"addr"`
	Root   string `json:"root"`
	Uptime int64  `json:"uptime_ms"`
	Slots  struct {
		Out   int `json:"out"`
		Links int `json:"links"`
		In    int `json:"in"`
		Serve int `json:"serve"`
	} `json:"slots"`
	Links    []Link `json:"links"`
	Messages struct {
		Published  int `json:"published"`
		Delivered  int `json:"delivered"`
		Duplicates int `json:"duplicates"`
		Relayed    int `json:"relayed"`
		Missing    int `json:"missing"`
		Retained   int `json:"retained"`
	} `json:"messages"`
	Healed struct {
		Count  int   `json:"count"`
		LastMS int64 `json:"last_ms"`
	} `json:"healed"`
}

// Link is one link, as the peer at one of its ends describes it.
type Link struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Addr  string `json:"addr"`
	Dir   string `json:"dir"`
	Eager bool   `json:"eager"`
}

// Delivery is one line of a peer's standard output, or of GET /messages.
type Delivery struct {
	ID      string `json:"id"`
	Origin  string `json:"origin"`
	Name    string `json:"name"`
	Seq     uint64 `json:"seq"`
	Hops    int    `json:"hops"`
	TraceID string `json:"trace_id"`
	Text    string `json:"text"`
}

// Receipt is what a peer answers to POST /messages.
type Receipt struct {
	ID      string `json:"id"`
	TraceID string `json:"trace_id"`
}

// An api is a peer's HTTP API, at a published port.
type api struct {
	base   string
	client *http.Client
}

// answerTime is how long a healthy peer may take to answer on a busy machine. One that is paused or cut off
// takes longer, and that is an error.
const answerTime = 2 * time.Second

func newAPI(port uint16) *api {
	return &api{
		base: fmt.Sprintf("http://%s:%d", loopback, port),
		client: &http.Client{
			Timeout:   answerTime,
			Transport: &http.Transport{MaxIdleConnsPerHost: 4}, // a connection for those who publish, and for those who look
		},
	}
}

func (a *api) close() { a.client.CloseIdleConnections() }

// status asks GET /status.
func (a *api) status(ctx context.Context) (Status, error) {
	var s Status
	err := a.do(ctx, http.MethodGet, "/status", nil, nil, &s)
	return s, err
}

// check asks for a path that answers 200 when all is well.
func (a *api) check(ctx context.Context, path string) error {
	return a.do(ctx, http.MethodGet, path, nil, nil, nil)
}

// publish asks POST /messages. traceparent may be empty.
func (a *api) publish(ctx context.Context, text, traceparent string) (Receipt, error) {
	header := http.Header{}
	if traceparent != "" {
		header.Set("Traceparent", traceparent)
	}
	var r Receipt
	err := a.do(ctx, http.MethodPost, "/messages", header, []byte(text), &r)
	return r, err
}

// stream opens a path that answers with lines for as long as it is read. onLine is called for each, and onEnd at the end;
// close ends it.
func (a *api) stream(path string, onLine func(line []byte, at time.Time), onEnd func()) (close func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		cancel()
		return nil, fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	go func() {
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			onLine(lines.Bytes(), time.Now())
		}
		onEnd()
	}()
	return cancel, nil
}

func (a *api) do(ctx context.Context, method, path string, header http.Header, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(got))
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("%s %s: %w in %q", method, path, err, got)
	}
	return nil
}
