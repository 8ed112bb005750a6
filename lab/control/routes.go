package control

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

// PeerInfo is a peer, and how it stands in the mesh.
type PeerInfo struct {
	fleet.Peer
	Root     bool `json:"root"`
	Siphoner bool `json:"siphoner"`
	Part     int  `json:"part"` // from 1; 0 is none
	Out      int  `json:"out"`  // links that it dialled
	In       int  `json:"in"`
}

// Status is how a lab does.
type Status struct {
	Name    string        `json:"name"`
	Engine  string        `json:"engine"`
	URL     string        `json:"url"`
	PID     int           `json:"pid"`
	Began   time.Time     `json:"began"`
	Peers   []PeerInfo    `json:"peers"`
	Links   []watch.Link  `json:"links"`
	Parts   [][]int       `json:"parts"`
	Cut     [][]int       `json:"cut"`
	Figures watch.Figures `json:"figures"`
	Last    *Told         `json:"last,omitempty"` // the newest message
	Churn   string        `json:"churn,omitempty"`
}

// Told is a message, and how far it got.
type Told struct {
	Text  string  `json:"text"`
	Name  string  `json:"name"`
	Heard int     `json:"heard"`
	Owed  int     `json:"owed"`
	Took  float64 `json:"took_ms"`
}

func (s *Server) routes() {
	s.mux.HandleFunc("GET /api/peers", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, s.peers(s.cfg.Watch.State())) })
	s.mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, s.status()) })
	s.mux.HandleFunc("GET /api/peers/{peer}/status", s.peerStatus)
	s.mux.HandleFunc("GET /api/explain", s.explain)
	s.mux.HandleFunc("POST /api/send", s.send)
	s.mux.HandleFunc("POST /api/fault", s.fault)
	s.mux.HandleFunc("POST /api/down", s.end)
}

// peers joins what the fleet knows of its peers with what is seen of them.
func (s *Server) peers(state *watch.State) []PeerInfo {
	seen := map[int]*watch.PeerView{}
	for i := range state.Peers {
		seen[state.Peers[i].Number] = &state.Peers[i]
	}
	list := []PeerInfo{}
	at := map[int]int{}
	for i, p := range s.cfg.Fleet.Peers() {
		info := PeerInfo{Peer: p}
		if v := seen[p.Number]; v != nil {
			info.Root, info.Siphoner, info.Part = v.Root && p.Alive, v.Siphoner, v.Part
		}
		list = append(list, info)
		at[p.Number] = i
	}
	for _, l := range state.Links {
		if i, ok := at[l.From]; ok && list[i].Alive && l.Has[0] {
			list[i].Out++
		}
		if i, ok := at[l.To]; ok && list[i].Alive && l.Has[1] {
			list[i].In++
		}
	}
	return list
}

func (s *Server) status() *Status {
	state := s.cfg.Watch.State()
	st := &Status{
		Name: s.cfg.Name, Engine: s.cfg.Fleet.Engine(), URL: s.URL(), PID: os.Getpid(), Began: s.began,
		Peers: s.peers(state), Links: state.Links, Parts: s.cfg.Watch.Parts(), Cut: state.Cut, Figures: state.Figures, Churn: s.churns.what(),
	}
	if n := len(state.Messages); n > 0 {
		m := &state.Messages[n-1]
		st.Last = &Told{m.Text, m.Name, m.Heard, m.Owed, m.Took}
	}
	return st
}

func (s *Server) peerStatus(w http.ResponseWriter, r *http.Request) {
	number, err := s.one(r.PathValue("peer"))
	if err != nil {
		fail(w, http.StatusNotFound, exitUsage, err)
		return
	}
	st, err := s.cfg.Fleet.Status(r.Context(), number)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, st)
}

func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	a, err := s.account(r.Context(), r.URL.Query().Get("message"))
	if err != nil {
		fail(w, http.StatusNotFound, exitUsage, err)
		return
	}
	answer(w, http.StatusOK, a)
}

// one is the peer that a word means, which must be one alone.
func (s *Server) one(what string) (int, error) {
	list, err := s.choose(what, false)
	if err == nil && len(list) != 1 {
		err = errors.New(strconv.Quote(what) + " are several peers: name one")
	}
	if err != nil {
		return 0, usageError{err}
	}
	return list[0], nil
}
