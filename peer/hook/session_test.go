package hook

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"hearsay/peer/node"
)

// conversation is a session, and its lab's side by hand.
type conversation struct {
	t     *testing.T
	s     *Session
	in    *io.PipeWriter
	lines *bufio.Scanner
}

func converse(t *testing.T) *conversation {
	in, toPeer := io.Pipe()
	fromPeer, out := io.Pipe()
	c := &conversation{t: t, s: Open(Hello{ID: "1", Name: "peer-1"}, in, out), in: toPeer, lines: bufio.NewScanner(fromPeer)}
	t.Cleanup(func() {
		toPeer.Close()
		fromPeer.Close()
		c.s.Close(time.Second)
	})
	return c
}

func (c *conversation) say(line string) { fmt.Fprintln(c.in, line) }

func (c *conversation) next() (l Line) {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatal("the peer says no more")
	}
	if err := json.Unmarshal(c.lines.Bytes(), &l); err != nil {
		c.t.Fatal(err)
	}
	return l
}

func TestBegin(t *testing.T) {
	c := converse(t)
	begun := make(chan error)
	go func() { begun <- c.s.begin("127.0.0.1:49152") }()
	if l := c.next(); l.Hello == nil || l.Hello.Addr != "127.0.0.1:49152" || l.Hello.Name != "peer-1" || l.Hello.PID == 0 {
		t.Errorf("the first line is %+v", l)
	}
	c.say(`{"id":1,"do":"status"}`)
	if l := c.next(); l.Reply == nil || l.Reply.Error == "" {
		t.Errorf("a status before the beginning: %+v", l)
	}
	c.say(`no json`)
	if l := c.next(); l.Reply == nil || l.Reply.Error == "" {
		t.Errorf("answered %+v to no request", l)
	}
	c.say(`{"id":2,"do":"dance"}`)
	c.next()
	c.say(`{"id":3,"do":"rules","rules":{"cut":["nowhere"]}}`)
	if l := c.next(); l.Reply == nil || l.Reply.Error == "" {
		t.Errorf("answered %+v to a bad rule", l)
	}
	select {
	case <-begun:
		t.Error("it began before it was told to go")
	default:
	}
	c.say(`{"id":4,"do":"go","rules":{"cut_all":true}}`)
	if err := <-begun; err != nil || !c.s.network.law.now.Load().CutAll {
		t.Errorf("began with %v, and the rules %+v", err, c.s.network.law.now.Load().Rules)
	}
	c.s.Serve(nil)
	if l := c.next(); l.Reply == nil || l.Reply.ID != 4 || l.Reply.Error != "" {
		t.Errorf("answered %+v to go", l)
	}
	c.in.Close()
	<-c.s.End()
}

func TestBeginWithoutALab(t *testing.T) {
	c := converse(t)
	begun := make(chan error)
	go func() { begun <- c.s.begin("127.0.0.1:49152") }()
	c.next()
	c.in.Close()
	if err := <-begun; err == nil {
		t.Error("it began without its lab")
	}
}

// A lab that does not read costs the peer nothing but a bounded queue, and is told what it missed.
func TestEventsNeverBlock(t *testing.T) {
	c := converse(t)
	c.s.out.limit = 1 << 20
	text := make([]byte, 60<<10)
	const many = 100
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range many {
			c.s.Tell(node.Event{Kind: node.Said, At: time.Now(), Message: node.Message{Text: text}})
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the peer waits for its lab")
	}
	c.lines.Buffer(nil, 1<<20)
	told, missed := 0, uint64(0)
	for told+int(missed) < many {
		if l := c.next(); l.Event != nil {
			told++
		} else {
			missed += l.Missed
		}
	}
	if told+int(missed) != many || missed == 0 {
		t.Errorf("%d events told and %d counted as missed, of %d", told, missed, many)
	}
}
