package hook

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	// linkBuffer is what a connection takes of its writer before it has to wait: about what a socket's own buffer
	// holds.
	linkBuffer = 256 << 10
	// abandonAfter is how long a closed connection whose last words cannot pass is kept. The peer's own
	// TCP_USER_TIMEOUT is as long.
	abandonAfter = 20 * time.Second
)

// link is a TCP connection under the rules. A cut holds it, both ways: what is written waits, and so does what has
// come, be it data or the end. Then all goes on in order, as by TCP's retransmissions. Its far side notices nothing
// but silence, even if we close it. While no rule concerns it, it is the connection itself.
type link struct {
	net.Conn
	law *law
	far netip.AddrPort // where the far peer listens, if it was we who dialled; otherwise unknown

	gone      chan struct{} // closed by Close
	abandoned chan struct{} // closed when what is queued has had its time
	once      sync.Once
	readBy    deadline
	writeBy   deadline

	// Of the one reader: what was read and is held, or how reading ended.
	held    []byte
	heldErr error

	mu      sync.Mutex
	queue   []parcel // what the pump has to write
	queued  int      // bytes of it
	last    time.Time
	pumping bool
	err     error
	room    chan struct{} // a token when the pump has made some
}

// parcel is something to be written, or the end of our half, or of the connection.
type parcel struct {
	data       []byte
	due        time.Time
	fin, close bool
}

func newLink(c net.Conn, l *law, far netip.AddrPort) *link {
	k := &link{Conn: c, law: l, far: far, gone: make(chan struct{}), abandoned: make(chan struct{}), room: make(chan struct{}, 1)}
	k.readBy.init()
	k.writeBy.init()
	l.mu.Lock()
	l.links[k] = struct{}{}
	l.mu.Unlock()
	return k
}

// Read hands over what has come, once nothing cuts the connection.
func (k *link) Read(p []byte) (int, error) {
	if k.held == nil && k.heldErr == nil {
		n, err := k.Conn.Read(p)
		if closed(k.gone) {
			return 0, net.ErrClosed
		}
		if !k.law.now.Load().cuts(k.far) || errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		k.held, k.heldErr = append([]byte(nil), p[:n]...), err
	}
	if err := k.pass(k.gone, &k.readBy); err != nil {
		return 0, err
	}
	n := copy(p, k.held)
	if k.held = k.held[n:]; len(k.held) > 0 {
		return n, nil
	}
	err := k.heldErr
	k.held, k.heldErr = nil, nil
	return n, err
}

// pass waits until nothing cuts the connection.
func (k *link) pass(end <-chan struct{}, by *deadline) error {
	for {
		s := k.law.now.Load()
		if !s.cuts(k.far) {
			return nil
		}
		select {
		case <-s.changed:
		case <-end:
			return net.ErrClosed
		case <-by.passed():
			return os.ErrDeadlineExceeded
		}
	}
}

// Write writes at once, or queues for the pump while a rule makes the connection late or cuts it. One goroutine
// at a time may call it.
func (k *link) Write(p []byte) (int, error) {
	for {
		k.mu.Lock()
		if k.err != nil || closed(k.gone) {
			err := k.err
			k.mu.Unlock()
			return 0, errors.Join(err, net.ErrClosed)
		}
		s := k.law.now.Load()
		if !k.pumping && s.easy(k.far) {
			k.mu.Unlock()
			return k.Conn.Write(p)
		}
		if k.queued < linkBuffer {
			k.send(s, parcel{data: append([]byte(nil), p...)})
			k.mu.Unlock()
			return len(p), nil
		}
		k.mu.Unlock()
		select {
		case <-k.room:
		case <-k.gone:
		case <-k.writeBy.passed():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// send queues a parcel, behind all earlier ones, and has it written. The caller holds mu.
func (k *link) send(s *state, p parcel) {
	p.due = time.Now()
	if len(p.data) > 0 {
		p.due = p.due.Add(s.lateStream())
	}
	if p.due.Before(k.last) {
		p.due = k.last
	}
	k.last = p.due
	k.queue = append(k.queue, p)
	k.queued += len(p.data)
	if !k.pumping {
		k.pumping = true
		k.Conn.SetWriteDeadline(time.Time{})
		go k.pump()
	}
}

// pump writes what is queued, each piece when it is due and nothing cuts the connection. It ends when nothing is
// left.
func (k *link) pump() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var never deadline
	never.init()
	for {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.queue, k.pumping = nil, false
			k.mu.Unlock()
			return
		}
		p := k.queue[0]
		k.mu.Unlock()
		if wait := time.Until(p.due); wait > 0 {
			k.law.late.Add(1)
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-k.abandoned:
			}
		}
		err := k.pass(k.abandoned, &never)
		if err == nil {
			err = k.perform(p)
		} else {
			reset(k.Conn)
		}
		k.mu.Lock()
		k.queue[0] = parcel{}
		k.queue = k.queue[1:]
		k.queued -= len(p.data)
		if err != nil {
			k.err, k.queue, k.queued = err, nil, 0
		}
		k.mu.Unlock()
		if err != nil {
			k.Conn.Close()
		}
		select {
		case k.room <- struct{}{}:
		default:
		}
	}
}

func (k *link) perform(p parcel) error {
	switch {
	case p.close:
		return k.Conn.Close()
	case p.fin:
		return closeWrite(k.Conn)
	}
	_, err := k.Conn.Write(p.data)
	return err
}

// CloseWrite ends our half, after what was written.
func (k *link) CloseWrite() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.law.now.Load(); k.pumping || s.cuts(k.far) {
		k.send(s, parcel{fin: true})
		return nil
	}
	return closeWrite(k.Conn)
}

// Close returns at once. What was written before still goes out, if it can within abandonAfter, and then the end
// does.
func (k *link) Close() error {
	err := net.ErrClosed
	k.once.Do(func() {
		err = nil
		close(k.gone)
		k.law.mu.Lock()
		delete(k.law.links, k)
		k.law.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if s := k.law.now.Load(); k.pumping || s.cuts(k.far) {
			k.Conn.SetReadDeadline(time.Unix(1, 0)) // the reader is to see that it is closed
			k.send(s, parcel{close: true})
			time.AfterFunc(abandonAfter, func() {
				close(k.abandoned)
				reset(k.Conn)
			})
			return
		}
		err = k.Conn.Close()
	})
	return err
}

// SetReadDeadline obeys net.Conn.
func (k *link) SetReadDeadline(t time.Time) error {
	k.readBy.set(t)
	if closed(k.gone) {
		return net.ErrClosed
	}
	return k.Conn.SetReadDeadline(t)
}

// SetWriteDeadline obeys net.Conn. It is for whoever waits in Write, not for the pump.
func (k *link) SetWriteDeadline(t time.Time) error {
	k.writeBy.set(t)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pumping {
		return nil
	}
	return k.Conn.SetWriteDeadline(t)
}

// SetDeadline obeys net.Conn.
func (k *link) SetDeadline(t time.Time) error {
	return errors.Join(k.SetReadDeadline(t), k.SetWriteDeadline(t))
}

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// reset closes a connection without waiting for what it still has to say.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
