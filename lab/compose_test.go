package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"hearsay/lab/control"
	"hearsay/lab/web"
	"hearsay/peer/api"
	"hearsay/peer/node"
)

// A lab beside peers that others start, without an engine: it sees all and breaks nothing.
func TestLabThatOnlyWatches(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	var at, join []string
	for _, name := range []string{"peer-1", "peer-2", "peer-3"} {
		n, err := node.Start(node.Config{Name: name, Listen: "127.0.0.1:0", NoMulticast: true, Join: join})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		l, err := api.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := api.Serve(n, l, slog.New(slog.DiscardHandler))
		t.Cleanup(s.Close)
		at, join = append(at, s.Addr()), append(join, n.Addr().String())
	}
	s := up(t, "--engine", "compose", "--peers-at", strings.Join(at, ","))
	s.wait("this lab only watches: the Docker engine cannot be used")
	var st control.Status
	if err := json.Unmarshal([]byte(want(t, "status --json")), &st); err != nil || st.Engine != "replicas" || len(st.Peers) != 3 || !st.Figures.Meshed {
		t.Errorf("status %+v, %v", st, err)
	}
	if _, err := api.NewClient(at[1]).Send(t.Context(), []byte("hello"), ""); err != nil {
		t.Fatal(err)
	}
	s.in.Write([]byte("nobody hears this\n"))
	for _, args := range []string{"kill 3", "send hi", "partition 1/2,3", "heal", "down"} {
		wantBad(t, 3, "this lab only watches: the Docker engine cannot be used", strings.Fields(args)...)
	}
	want(t, "explain hello", `"hello" from peer-2`, "heard by 2 of 2")
	r, err := http.Get(st.URL + "api/page")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var i web.Info
	if err := json.NewDecoder(r.Body).Decode(&i); err != nil || i.Token != "" || !strings.HasPrefix(i.Why, "this lab only watches: ") {
		t.Errorf("the page has %+v, %v", i, err)
	}
	s.cancel()
	s.ends(0)
}

func TestBadComposeFlags(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	wantBad(t, 2, "where the peers are", "up", "--engine", "compose", "--peers-at", "peer:0")
	wantBad(t, 2, "--set", "up", "--engine", "compose", "--set", "links=4")
	if !inContainer() {
		wantBad(t, 3, "this is no container: use --engine docker", "up", "--engine", "compose")
	}
	wantBad(t, 2, "--listen", "up", "--listen", "192.0.2.7")
	wantBad(t, 2, "--listen", "up", "--listen", "everywhere")
}
