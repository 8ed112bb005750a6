package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// events is what was done to a mesh and what it answered, with the time of each since the mesh was made.
type events struct {
	mu    sync.Mutex
	begun time.Time
	lines []string
}

func (e *events) add(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, fmt.Sprintf("%7.3f %s", time.Since(e.begun).Seconds(), fmt.Sprintf(format, args...)))
}

func (e *events) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.lines)
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.lines, "\n") + "\n"
}

// artifactsDir makes a folder for one test's evidence.
func artifactsDir(test string) (string, error) {
	base := os.Getenv("HEARSAY_ARTIFACTS")
	if base == "" {
		return os.MkdirTemp("", "hearsay-"+slug(test)+"-")
	}
	dir := filepath.Join(base, slug(test))
	return dir, os.MkdirAll(dir, 0o755)
}

// keepArtifacts writes down what there is to see: what the test did, the ledger, and of each peer its log and status.
func (m *Mesh) keepArtifacts() {
	m.t.Helper()
	dir, err := artifactsDir(m.t.Name())
	if err != nil {
		m.t.Errorf("a folder for logs: %v", err)
		return
	}
	write := func(name string, body []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			m.t.Errorf("keep %s: %v", name, err)
		}
	}
	write("events.txt", []byte(m.events.String()))
	write("ledger.txt", []byte(m.ledger.write()))
	for _, p := range m.peers {
		write(p.name+".log", m.logs(p.id))
		p.mu.Lock()
		s, away := p.last, p.away || !p.runs
		p.mu.Unlock()
		if !away {
			if now, err := p.status(); err == nil {
				s = now
			}
		}
		if body, err := json.MarshalIndent(s, "", "\t"); err == nil {
			write(p.name+".status.json", body)
		}
	}
	if m.tracing != nil {
		for name, id := range m.tracing.containers() {
			write(name+".log", m.logs(id))
		}
	}
	m.t.Errorf("what was done, the ledger, and the peers' logs and last statuses are in %s", dir)
}

// logs returns all that a container wrote, in all its lives.
func (m *Mesh) logs(container string) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := m.docker.ContainerLogs(ctx, container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true})
	if err != nil {
		return fmt.Appendf(nil, "no logs: %v\n", err)
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, r); err != nil {
		fmt.Fprintf(&out, "the logs break off: %v\n", err)
	}
	return out.Bytes()
}
