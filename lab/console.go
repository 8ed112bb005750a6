package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"hearsay/lab/control"
	"hearsay/lab/fleet/replicas"
	"hearsay/peer/wire"
)

// console is where a person types lines at a lab, and reads what happens. Everything that is said stands above the line
// that is being typed.
type console struct {
	in     io.Reader
	out    io.Writer
	began  time.Time
	person bool // at a terminal
	loud   bool

	mu      sync.Mutex
	pending chan struct{} // a token for each message of which it is still to be told how it fared
}

// maxPending is how many messages may be waited for; until then no further line is read.
const maxPending = 64

func newConsole(s streams, loud bool) *console {
	return &console{in: s.in, out: s.out, began: time.Now(), loud: loud, person: loud && isTerminal(s.in) && isTerminal(s.out), pending: make(chan struct{}, maxPending)}
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// hello is the first that is said.
func (c *console) hello(l *lab) {
	peers := l.fleet.Peers()
	c.print(fmt.Sprintf("hearsay lab: %s %s. Page: %s   Ctrl+C ends it all.", plural(len(peers), "peer"), whereOf(l.fleet.Engine()), l.server.URL()))
	if l.readOnly {
		c.said(control.Watches(l.why))
	}
	if n := len(peers); n > 0 {
		text := peers[0].Name
		if n > 1 {
			text += " … " + peers[n-1].Name
		}
		c.said(text + " started")
	}
}

func whereOf(engine string) string {
	switch engine {
	case "docker", replicas.Engine:
		return "in containers"
	case "sim":
		return "in virtual time"
	}
	return "on this machine"
}

// said prints something with the time since the beginning.
func (c *console) said(text string) {
	c.print(fmt.Sprintf("%5.1f s  %s", time.Since(c.began).Seconds(), clean(text)))
}

func (c *console) print(line string) {
	if !c.loud {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.person {
		fmt.Fprintf(c.out, "\r\x1b[K%s\n> ", line)
		return
	}
	fmt.Fprintln(c.out, line)
}

func (c *console) bye() {
	if c.person {
		fmt.Fprint(c.out, "\r\x1b[K")
	}
}

// later does something that takes time, without holding up what is typed, as long as not too much is pending.
func (c *console) later(f func()) {
	c.pending <- struct{}{}
	go func() {
		defer func() { <-c.pending }()
		f()
	}()
}

// lines are what is typed, until the input ends.
func (c *console) lines(ctx context.Context) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(c.in)
		in.Buffer(nil, wire.MaxBody+2)
		for in.Scan() {
			line := strings.TrimRight(in.Text(), "\r")
			if line == "" {
				c.again()
				continue
			}
			if !utf8.ValidString(line) {
				c.said(fmt.Sprintf("not sent: %v", errNotUTF8))
				continue
			}
			select {
			case lines <- line:
				c.again()
			case <-ctx.Done():
				return
			}
		}
		if in.Err() != nil && ctx.Err() == nil {
			c.said(fmt.Sprintf("standard input is not read any more: %v (a message has at most %d bytes)", in.Err(), wire.MaxBody))
		}
	}()
	return lines
}

// again shows that the next line can be typed.
func (c *console) again() {
	if c.person {
		c.mu.Lock()
		defer c.mu.Unlock()
		fmt.Fprint(c.out, "> ")
	}
}

// clean keeps what peers and messages say from driving a terminal: control characters but the newline become blanks.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, text)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
