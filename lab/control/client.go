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
	"sync"
	"time"

	"hearsay/lab/watch"
	"hearsay/peer/node"
)

const (
	// answerWithin is how long a lab may take to say how it does, on a machine that is busy. It takes milliseconds.
	answerWithin = 15 * time.Second
	// askEvery is how often a lab that is about something longer is asked whether it is there.
	askEvery = 5 * time.Second
	// endsWithin is how long a lab may take to end: containers take longest.
	endsWithin = 30 * time.Second
)

// Client tells a running lab what to do. An error that the lab answers is an *Error. What a lab takes long for, such as a
// fault whose end is waited for, has no limit of time as long as the lab says how it does when it is asked meanwhile.
type Client struct {
	note                     Note
	within, every, endWithin time.Duration
}

func newClient(n Note) *Client { return &Client{n, answerWithin, askEvery, endsWithin} }

// Dial finds the lab of that name or port, or the only one.
func Dial(which string) (*Client, error) {
	note, err := Find(which)
	if err != nil {
		return nil, err
	}
	return newClient(note), nil
}

// URL is the page's address.
func (c *Client) URL() string { return "http://" + c.note.Addr + "/" }

// Status is how the lab does.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	return &s, c.ask(ctx, "/api/status", &s)
}

// Peer is what one peer says of itself.
func (c *Client) Peer(ctx context.Context, number int) (*node.Status, error) {
	var s node.Status
	return &s, c.ask(ctx, "/api/peers/"+strconv.Itoa(number)+"/status", &s)
}

// Explain is who told whom.
func (c *Client) Explain(ctx context.Context, message string) (*watch.Account, error) {
	var a watch.Account
	return &a, c.ask(ctx, "/api/explain?message="+url.QueryEscape(message), &a)
}

// Send publishes a text.
func (c *Client) Send(ctx context.Context, q SendRequest) (*Sent, error) {
	var s Sent
	return &s, c.tell(ctx, "/api/send", q, &s)
}

// Fault does something to peers.
func (c *Client) Fault(ctx context.Context, q FaultRequest) (*Outcome, error) {
	var o Outcome
	return &o, c.tell(ctx, "/api/fault", q, &o)
}

// Down has the lab end, and returns when nothing is left of it.
func (c *Client) Down(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.endWithin,
		fmt.Errorf("the lab at %s was told to end and has not within %v: its process is %d", c.URL(), c.endWithin, c.note.PID))
	defer cancel()
	resp, err := c.do(ctx, http.MethodPost, "/api/down", struct{}{})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// The answer comes at once, and its end with that of the lab: see Server.Ended.
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil // however it was cut off, nobody is left at its other end
}

// ask asks how something is, which a lab knows.
func (c *Client) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.within, c.silent())
	defer cancel()
	return c.call(ctx, http.MethodGet, path, nil, into)
}

// silent is the error of a lab that is there, and says nothing.
func (c *Client) silent() error {
	return fmt.Errorf("the lab at %s does not answer within %v: its process, %d, is stuck or very busy", c.URL(), c.within, c.note.PID)
}

// tell has the lab do something, and waits as long as it takes.
func (c *Client) tell(ctx context.Context, path string, body, into any) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() {
		tick := time.NewTicker(c.every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var s Status
			if err := c.ask(ctx, "/api/status", &s); err != nil {
				cancel(err)
				return
			}
		}
	})
	return c.call(ctx, http.MethodPost, path, body, into)
}

// direct asks no proxy, and leaves no connection open behind a command.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// maxAnswer bounds what is read of an answer: a status of ten thousand peers is below it.
const maxAnswer = 64 << 20

func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := c.read(ctx, resp)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// do sends a request. An answer that is none is an error.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+c.note.Addr+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(TokenHeader, c.note.Token)
	}
	resp, err := direct.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("the lab at %s does not answer: %w", c.URL(), err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	if data, err = c.read(ctx, resp); err != nil {
		return nil, err
	}
	e := &Error{Text: "the lab at " + c.URL() + " answers " + resp.Status, Exit: exitFailed}
	json.Unmarshal(data, e)
	return nil, e
}

// read reads an answer to its end.
func (c *Client) read(ctx context.Context, resp *http.Response) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil {
		return data, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("the lab at %s: %w", c.URL(), err)
}
