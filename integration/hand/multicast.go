//go:build linux

package main

import (
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
)

// group is not the peers' own, so that no peer has to make sense of a probe.
var group = &net.UDPAddr{IP: net.IPv4(239, 255, 77, 78), Port: 49151}

// ears remembers every token that came by multicast.
type ears struct {
	mu    sync.Mutex
	err   error
	came  map[string]bool
	again chan struct{} // closed and replaced at each token
}

func newEars() *ears {
	e := &ears{came: map[string]bool{}, again: make(chan struct{})}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: group.Port})
	if err == nil {
		err = join(conn)
	}
	if err != nil {
		e.err = fmt.Errorf("listen: %w", err)
		return e
	}
	go e.listen(conn)
	return e
}

func join(conn *net.UDPConn) error {
	all, err := interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		if err := ipv4.NewPacketConn(conn).JoinGroup(&i, group); err != nil {
			return err
		}
	}
	return nil
}

func (e *ears) listen(conn *net.UDPConn) {
	buf := make([]byte, 512)
	for {
		n, err := conn.Read(buf)
		e.mu.Lock()
		if err != nil {
			e.err = err
		} else {
			e.came[string(buf[:n])] = true
		}
		close(e.again)
		e.again = make(chan struct{})
		e.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (e *ears) heard(token string, patience time.Duration) error {
	deadline := time.After(patience)
	for {
		e.mu.Lock()
		came, err, again := e.came[token], e.err, e.again
		e.mu.Unlock()
		if came || err != nil {
			return err
		}
		select {
		case <-again:
		case <-deadline:
			return fmt.Errorf("%s was not heard within %v", token, patience)
		}
	}
}

// shout goes out on every interface; the default route alone would not do for a container with two.
func shout(token string) error {
	all, err := interfaces()
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := ipv4.NewPacketConn(conn)
	for _, i := range all {
		if err := p.SetMulticastInterface(&i); err != nil {
			return err
		}
		if _, err := conn.WriteToUDP([]byte(token), group); err != nil {
			return err
		}
	}
	return nil
}
