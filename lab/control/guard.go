package control

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"hearsay/lab/fleet"
	"hearsay/peer/wire"
)

// TokenHeader carries the lab's token.
const TokenHeader = "X-Lab-Token"

// maxBody is the longest body of a POST: the longest text, each byte of it escaped, and the rest.
const maxBody = 6*wire.MaxBody + 4<<10

// guard turns away other machines, and what a page of elsewhere makes a browser send. A name that was made to point at this machine is told
// by its Host (DNS rebinding), another site by its Origin, and whoever else by the token, which no page but ours and no
// other user can read.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusForbidden, exitUsage, errors.New("this comes from a page of another origin"))
	}))
	return cross.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.serves(r.RemoteAddr) {
			w.Header().Set("Connection", "close")
			fail(w, http.StatusForbidden, exitUsage, errors.New("the lab serves the machine that it runs on, and not others of its network"))
			return
		}
		if !loopbackHost(r.Host) {
			fail(w, http.StatusForbidden, exitUsage, errors.New("the lab is served on loopback: call it as localhost or 127.0.0.1"))
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			if s.cfg.ReadOnly {
				fail(w, http.StatusForbidden, exitCannot, errors.New(Watches(s.cfg.Why)))
				return
			}
			if err, code := s.mayChange(r); err != nil {
				fail(w, code, exitUsage, err)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	}))
}

// mayChange says why a request may not change anything.
func (s *Server) mayChange(r *http.Request) (error, int) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind != "application/json":
		return errors.New("the content type must be application/json"), http.StatusUnsupportedMediaType
	case subtle.ConstantTimeCompare([]byte(r.Header.Get(TokenHeader)), []byte(s.token)) != 1:
		return errors.New("the token in " + TokenHeader + " is not this lab's"), http.StatusForbidden
	}
	return nil, 0
}

// Watches says that a lab only watches, and why if that is known.
func Watches(why string) string {
	if why == "" {
		return "this lab only watches"
	}
	return "this lab only watches: " + why
}

// serves reports whether a connection comes from this machine. In a container that is its default gateway too, from which
// whatever is sent to a published port seems to come.
func (s *Server) serves(remote string) bool {
	if s.cfg.Listen.IsLoopback() {
		return true // the kernel sees to it
	}
	from, err := netip.ParseAddrPort(remote)
	addr := from.Addr().Unmap()
	return err == nil && (addr.IsLoopback() || slices.Contains(s.gates(), addr))
}

// loopbackHost reports whether a Host names this machine, and nothing else.
func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// The exit codes that errors carry.
const (
	exitFailed = 1
	exitUsage  = 2
	exitCannot = 3
)

// Error is an error that a lab answered.
type Error struct {
	Text string `json:"error"`
	Exit int    `json:"exit"` // what a command ends with
}

func (e *Error) Error() string { return e.Text }

func fail(w http.ResponseWriter, status, exit int, err error) {
	answer(w, status, &Error{err.Error(), exit})
}

// refuse answers with an error of what was asked for.
func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, fleet.ErrCannot):
		fail(w, http.StatusNotImplemented, exitCannot, err)
	case errors.Is(err, errUsage):
		fail(w, http.StatusBadRequest, exitUsage, err)
	default:
		fail(w, http.StatusConflict, exitFailed, err)
	}
}

// errUsage is an error that whoever asked can mend by asking otherwise.
var errUsage = errors.New("bad usage")

type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == errUsage }
func (e usageError) Unwrap() error        { return e.error }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// take reads a request's body.
func take(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.Decode(&struct{}{}) != io.EOF {
		err = errors.New("there is more than one value")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, exitUsage, errors.New("the body is not the JSON that is wanted: "+err.Error()))
	}
	return err == nil
}
