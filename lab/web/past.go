package web

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"hearsay/lab/watch"
	"hearsay/lab/watch/otlp"
)

// replay answers with a piece of the past.
func (p *page) replay(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	at, err := strconv.ParseFloat(q.Get("at"), 64)
	if err != nil || math.IsNaN(at) || math.Abs(at) > 1e15 {
		fail(w, http.StatusBadRequest, "at: say since when, in milliseconds since 1970")
		return
	}
	d := time.Minute
	if s := q.Get("for"); s != "" {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n > 0 && n <= watch.HistoryFor.Seconds()) {
			fail(w, http.StatusBadRequest, "for: say how many seconds, up to "+strconv.Itoa(int(watch.HistoryFor.Seconds())))
			return
		}
		d = time.Duration(n * float64(time.Second))
	}
	answer(w, http.StatusOK, p.cfg.Watch.Replay(time.UnixMicro(int64(at*1000)), d))
}

// traceAnswer is a trace as the page shows it.
type traceAnswer struct {
	Trace string      `json:"trace"`
	Spans []otlp.Span `json:"spans"`
}

func (p *page) trace(w http.ResponseWriter, r *http.Request) {
	id, err := otlp.ParseTraceID(r.PathValue("id"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	spans := p.cfg.Watch.Store().Trace(id)
	if len(spans) == 0 {
		fail(w, http.StatusNotFound, "no span of this trace is kept: it was not recorded, or is too old")
		return
	}
	answer(w, http.StatusOK, traceAnswer{id.String(), spans})
}
