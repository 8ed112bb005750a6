package docker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"hearsay/lab/fleet/hold"
	"hearsay/peer/hook"
)

// session is the standard streams of one container, by which it is held.
type session struct {
	container string
	hold      *hold.Peer
	conn      client.HijackedResponse
	mu        sync.Mutex
	last      string // what it last wrote to its standard error
}

// open attaches to a container that is still to be started, and starts it. Its log goes to line, which may be nil.
func (f *Fleet) open(ctx context.Context, id string, on func(*hook.Event, uint64), line func(string)) (*session, error) {
	a, err := f.docker.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	s := &session{container: id, conn: a.HijackedResponse}
	out, toOut := io.Pipe()
	log, toLog := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(toOut, toLog, a.Reader)
		toOut.CloseWithError(err)
		toLog.CloseWithError(err)
		a.Close()
	}()
	go s.read(log, line)
	s.hold = hold.New(stdin{a.HijackedResponse}, out, on)
	if _, err := f.docker.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		a.Close()
		<-s.hold.Done()
		return nil, err
	}
	return s, nil
}

// stdin is a container's standard input.
type stdin struct{ conn client.HijackedResponse }

func (s stdin) Write(p []byte) (int, error) { return s.conn.Conn.Write(p) }
func (s stdin) Close() error                { return s.conn.CloseWrite() }

// maxLogLine is how much of one line of a log is kept.
const maxLogLine = 8 << 10

func (s *session) read(log io.Reader, line func(string)) {
	r := bufio.NewReaderSize(log, maxLogLine)
	for {
		part, err := r.ReadSlice('\n')
		if text := strings.TrimRight(string(part), "\r\n"); text != "" {
			s.mu.Lock()
			s.last = text
			s.mu.Unlock()
			if line != nil {
				line(text)
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// explain adds what the container last wrote to an error of its start.
func (s *session) explain(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.Contains(s.last, "unexpected argument hand"), strings.Contains(s.last, "unknown flag --lab"):
		return errors.New("the image of the peers is older than this lab: build it again (docker compose build)")
	case s.last != "" && errors.Is(err, hold.ErrGone):
		return errors.New(strings.TrimPrefix(s.last, "peer: "))
	}
	return err
}

// close ends the session, and returns once nothing more comes of it.
func (s *session) close() {
	s.conn.Close()
	<-s.hold.Done()
}
