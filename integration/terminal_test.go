package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// A terminal is a container's standard input and output.
type terminal struct {
	in   client.HijackedResponse
	done chan struct{} // closed when the standard output has ended

	mu sync.Mutex // of writing
}

// maxLine is more than a peer ever writes in one: the longest message with every byte escaped.
const maxLine = 1 << 20

// attach attaches to a container, running or still to be started. onLine is called for each line of
// standard output, and onEnd once at its end, with what ended it.
func attach(ctx context.Context, docker *client.Client, container string, onLine func(line []byte, at time.Time), onEnd func(error)) (*terminal, error) {
	a, err := docker.ContainerAttach(ctx, container, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true})
	if err != nil {
		return nil, err
	}
	t := &terminal{in: a.HijackedResponse, done: make(chan struct{})}
	r, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(w, io.Discard, a.Reader)
		w.CloseWithError(err)
	}()
	go func() {
		defer close(t.done)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			onLine(bytes.Clone(lines.Bytes()), time.Now())
		}
		err := lines.Err()
		if err == nil {
			err = io.EOF
		}
		r.CloseWithError(err)
		onEnd(err)
	}()
	return t, nil
}

// writeLine types a line.
func (t *terminal) writeLine(line string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.in.Conn.SetWriteDeadline(time.Now().Add(answerTime))
	_, werr := io.WriteString(t.in.Conn, line+"\n")
	return errors.Join(err, werr)
}

// close detaches, which does not end the container.
func (t *terminal) close() {
	t.in.Close()
	<-t.done
}
