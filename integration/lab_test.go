package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/watch"
)

// labPage is a lab in a container, by the port that it publishes.
type labPage struct{ url string }

func (l labPage) get(path string, into any) error {
	r, err := http.Get(l.url + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, r.Status)
	}
	return json.NewDecoder(r.Body).Decode(into)
}

// awaitPeers waits until so many live, as the lab sees it, and are one mesh.
func (l labPage) awaitPeers(t *testing.T, n int) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("the lab sees a mesh of %d", n), func() error {
		var s control.Status
		if err := l.get("/api/status", &s); err != nil {
			return err
		}
		if s.Figures.Peers != n || !s.Figures.Meshed {
			return fmt.Errorf("it sees %d, meshed: %v (%s)", s.Figures.Peers, s.Figures.Meshed, s.Figures.Why)
		}
		return nil
	})
}

// awaitTold waits until the lab knows who told whom a message, all the way.
func (l labPage) awaitTold(t *testing.T, text, from string, owed int) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("the lab knows how %q came to all", text), func() error {
		var a watch.Account
		if err := l.get("/api/explain?message="+url.QueryEscape(text), &a); err != nil {
			return err
		}
		if a.Name != from || a.Heard != owed || a.Owed != owed || len(a.Missing) > 0 || !a.Traced || a.Hops < 1 {
			return fmt.Errorf("it knows: %+v", a)
		}
		return nil
	})
}

// onlyWatches wants a lab that refuses to change anything, and gives its page no token.
func (l labPage) onlyWatches(t *testing.T) {
	t.Helper()
	var i struct{ Token, Why string }
	must(t, "what the page is told", l.get("/api/page", &i))
	if i.Token != "" || !strings.Contains(i.Why, "LAB_SOCKET") {
		t.Errorf("the page of a lab that only watches is told %+v", i)
	}
	r, err := http.Post(l.url+"/api/fault", "application/json", strings.NewReader(`{"fault":"kill","peers":"3"}`))
	must(t, "post", err)
	defer r.Body.Close()
	var e control.Error
	if json.NewDecoder(r.Body).Decode(&e) != nil || r.StatusCode != http.StatusForbidden || e.Exit != 3 {
		t.Errorf("a POST is answered %s %+v", r.Status, e)
	}
}
