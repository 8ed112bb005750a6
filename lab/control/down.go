package control

import (
	"io"
	"net/http"
	"time"
)

const (
	// maxWaiting is how many may wait for the end of a lab; further ones are not told of it.
	maxWaiting = 16
	// greetWithin is how long the beginning of an answer may take, which is some bytes into an empty socket.
	greetWithin = time.Second
)

// endAnswer is how a lab answers that is told to end. That no length is given, and the connection stays open, is the
// point: its end is the lab's.
const endAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{}\n"

// end has the lab end. Whoever asked holds a connection that outlives the server, until Ended or the process's end: so it
// is told apart from a lab that stays behind half closed, on whatever system, and whoever its parent is.
func (s *Server) end(w http.ResponseWriter, r *http.Request) {
	defer s.once.Do(func() { close(s.down) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= maxWaiting {
		answer(w, http.StatusOK, struct{}{})
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		answer(w, http.StatusOK, struct{}{})
		return
	}
	conn.SetDeadline(time.Now().Add(greetWithin))
	if _, err := io.WriteString(conn, endAnswer); err != nil {
		conn.Close()
		return
	}
	s.waiting = append(s.waiting, conn)
}

// Ended tells whoever had the lab end that nothing is left of it. It is the last that is called, after Close. A process
// that ends needs not call it.
func (s *Server) Ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.waiting {
		conn.Close()
	}
	s.waiting = nil
}
