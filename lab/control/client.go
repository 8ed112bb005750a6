package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"hearsay/lab/watch"
	"hearsay/peer/node"
)

// Client tells a running lab what to do. An error that the lab answers is an *Error.
type Client struct {
	note Note
}

// Dial finds the lab of that name or port, or the only one.
func Dial(which string) (*Client, error) {
	note, err := Find(which)
	if err != nil {
		return nil, err
	}
	return &Client{note}, nil
}

// URL is the page's address.
func (c *Client) URL() string { return "http://" + c.note.Addr + "/" }

// Status is how the lab does.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	return &s, c.call(ctx, http.MethodGet, "/api/status", nil, &s)
}

// Peer is what one peer says of itself.
func (c *Client) Peer(ctx context.Context, number int) (*node.Status, error) {
	var s node.Status
	return &s, c.call(ctx, http.MethodGet, "/api/peers/"+strconv.Itoa(number)+"/status", nil, &s)
}

// Explain is who told whom.
func (c *Client) Explain(ctx context.Context, message string) (*watch.Account, error) {
	var a watch.Account
	return &a, c.call(ctx, http.MethodGet, "/api/explain?message="+url.QueryEscape(message), nil, &a)
}

// Send publishes a text.
func (c *Client) Send(ctx context.Context, q SendRequest) (*Sent, error) {
	var s Sent
	return &s, c.call(ctx, http.MethodPost, "/api/send", q, &s)
}

// Fault does something to peers.
func (c *Client) Fault(ctx context.Context, q FaultRequest) (*Outcome, error) {
	var o Outcome
	return &o, c.call(ctx, http.MethodPost, "/api/fault", q, &o)
}

// Down ends the lab.
func (c *Client) Down(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/api/down", struct{}{}, &struct{}{})
}

// direct asks no proxy, and leaves no connection open behind a command.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// maxAnswer bounds what is read of an answer: a status of ten thousand peers is below it.
const maxAnswer = 64 << 20

func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+c.note.Addr+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(TokenHeader, c.note.Token)
	}
	resp, err := direct.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the lab at %s does not answer: %w", c.URL(), err)
	}
	defer resp.Body.Close()
	if data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return fmt.Errorf("the lab at %s: %w", c.URL(), err)
	}
	if resp.StatusCode != http.StatusOK {
		e := &Error{Text: "the lab at " + c.URL() + " answers " + resp.Status, Exit: exitFailed}
		json.Unmarshal(data, e)
		return e
	}
	return json.Unmarshal(data, into)
}
