package watch

import (
	"encoding/hex"
	"net"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Discovery is how one peer came to know, and perhaps to be linked with, another.
type Discovery struct {
	Number  int     `json:"n"`
	At      float64 `json:"at"`
	Peer    int     `json:"peer"`    // who found
	Found   string  `json:"found"`   // whom, by name or address
	By      string  `json:"by"`      // whose word: announcement, referral, shuffle, join, passive, …
	Why     string  `json:"why"`     // new-peer or other-root, where an announcement taught something; or why it was refused
	Outcome string  `json:"outcome"` // heard, linked, referred, refused, failed
	Took    float64 `json:"took_ms"`
	Trace   string  `json:"trace"`

	began time.Time
}

// discoveries are the newest, and which trace tells of which.
type discoveries struct {
	ring[Discovery]
	byTrace map[string]int
}

func (d *discoveries) init() { d.limit, d.byTrace = MaxDiscoveries, map[string]int{} }

// spanMet takes the spans by which two peers meet: one trace over both of them.
func (m *Model) spanMet(who runRef, a attrs, s *tracepb.Span, start, end time.Time) {
	if s.Name == spanDial && a.text(attrPurpose) == "verify" {
		m.verified(m.numberOf(a.text(attrPeer)), a.text(attrOutcome))
		return
	}
	if p := a.text(attrPurpose); s.Name != spanDiscover && (p == "probe" || p == "verify") {
		return
	}
	trace := hex.EncodeToString(s.TraceId)
	d := m.found.at(m.found.byTrace[trace])
	switch {
	case s.Name == spanAccept && d == nil:
		return // its dial will tell; the far side's word alone says nothing new
	case d == nil:
		d = m.discovery(Discovery{Peer: who.number, Trace: trace, Outcome: "heard", By: "announcement", began: start})
	}
	switch s.Name {
	case spanDiscover:
		d.Peer, d.Found = who.number, m.foundName(a)
		d.Why = a.text(attrReason)
		d.began = start
	case spanDial:
		if d.Found == "" {
			d.Found = m.foundName(a)
		}
		if by := a.text(attrBy); by != "" {
			d.By = by
		}
		d.Outcome = a.text(attrOutcome)
		if why := a.text(attrReason); why != "" {
			d.Why = why
		}
	case spanAccept:
		if a.flag(attrPriority) {
			d.Why = "room was made"
		}
	}
	if start.Before(d.began) {
		d.began = start
	}
	d.At, d.Took = millis(d.began), max(d.Took, sinceMS(d.began, end))
	m.changes.discovery(d.Number)
}

// discovery adds one. Of those that are forgotten no trace is remembered either.
func (m *Model) discovery(d Discovery) *Discovery {
	f := &m.found
	gone := f.gone
	d.Number = f.add(d)
	f.at(d.Number).Number = d.Number
	f.byTrace[d.Trace] = d.Number
	if f.gone != gone {
		for trace, n := range f.byTrace {
			if n <= f.gone {
				delete(f.byTrace, trace)
			}
		}
	}
	return f.at(d.Number)
}

// foundName is the far peer, by name or by address where nobody knows its name yet.
func (m *Model) foundName(a attrs) string {
	if n := m.numberOf(a.text(attrPeer)); n > 0 {
		return m.name(n)
	}
	if name := a.text(attrPeerName); name != "" {
		return name
	}
	if addr := a.text(attrAddr); addr != "" {
		return net.JoinHostPort(addr, itoa(int(a.number(attrPort))))
	}
	return ""
}

// verified takes what came of dialling a peer back, by which others tell siphoners.
func (m *Model) verified(number int, outcome string) {
	p := m.known(number)
	if p == nil {
		return
	}
	was := p.siphons()
	switch outcome {
	case "failed", "timeout", "refused":
		p.unreached = true
	case "verified", "linked":
		p.unreached = false
	}
	if p.siphons() != was {
		m.changes.peer(number)
	}
}
