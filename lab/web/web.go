// Package web is the page of a lab: the mesh as a picture that moves, every message to be followed, and buttons that
// break things. It is one set of files in the binary (static/), plain HTML, CSS and modules, without anything that
// others wrote and without a build.
//
//	GET /                  the page; its files are beneath /static/
//	GET /api/page          Info: what the page must know of its lab
//	GET /api/stream        server-sent events: one watch.State, and the watch.Batches that change it
//	GET /api/replay        watch.Replay: ?at=MS&for=SECONDS
//	GET /api/traces/ID     the spans of a trace
//
// What the page asks for beside that, package control answers, on the same mux, which also turns away whoever is not to
// be served. Nothing here changes anything.
package web

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"hearsay/lab/watch"
)

// Config says what the page shows.
type Config struct {
	Watch *watch.Watch
	// Name is what the lab is called.
	Name string
	// Engine is local, docker, sim or replicas.
	Engine string
	// Token is what a POST to the lab carries. Empty means that this page only watches, for the reason Why, if that is
	// known.
	Token string
	Why   string
	// Jaeger is the address of a Jaeger that gets the same traces, such as http://127.0.0.1:16686. Empty means that
	// the page shows them itself.
	Jaeger string
	// Can returns why a fault cannot be made here, or nil. Nil is that all can.
	Can func(fault string) error

	stays time.Duration // staysFor; tests make it shorter
}

// Info is what the page must know of its lab.
type Info struct {
	Boot   string            `json:"boot"` // differs each time that the lab is started
	Name   string            `json:"name"`
	Engine string            `json:"engine"`
	Token  string            `json:"token"` // empty: this page only watches
	Why    string            `json:"why"`   // it only watches
	Jaeger string            `json:"jaeger"`
	Cannot map[string]string `json:"cannot"` // faults that cannot be made here, and why
}

// faults are those that the page has buttons for.
var faults = []string{"kill", "stop", "start", "pause", "partition", "isolate", "delay", "loss", "scale"}

// page serves one lab.
type page struct {
	cfg     Config
	boot    string
	readers readers
}

// Routes adds the page to a lab's mux, whose own guard stands before it: package control's.
func Routes(mux *http.ServeMux, c Config) {
	p := &page{cfg: c, boot: rand.Text()}
	p.readers.stays = cmp.Or(c.stays, staysFor)
	mux.Handle("GET /{$}", document())
	mux.Handle("GET /static/", static())
	mux.HandleFunc("GET /api/page", p.info)
	mux.HandleFunc("GET /api/stream", p.stream)
	mux.HandleFunc("GET /api/replay", p.replay)
	mux.HandleFunc("GET /api/traces/{id}", p.trace)
}

func (p *page) info(w http.ResponseWriter, r *http.Request) {
	i := Info{Boot: p.boot, Name: p.cfg.Name, Engine: p.cfg.Engine, Token: p.cfg.Token, Cannot: map[string]string{}}
	switch {
	case i.Token == "":
		if i.Why = p.cfg.Why; i.Why == "" {
			i.Why = "this lab only watches"
		}
	case othersRequest(r):
		i.Token, i.Why = "", "this lab is another user's"
	}
	if u, err := url.Parse(p.cfg.Jaeger); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		i.Jaeger = u.Scheme + "://" + u.Host + u.EscapedPath()
	}
	for _, f := range faults {
		if p.cfg.Can == nil {
			break
		}
		if err := p.cfg.Can(f); err != nil {
			i.Cannot[f] = err.Error()
		}
	}
	answer(w, http.StatusOK, i)
}

// fail answers with an error in the form that all of the lab's have.
func fail(w http.ResponseWriter, code int, text string) {
	answer(w, code, map[string]any{"error": text, "exit": 2})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}
