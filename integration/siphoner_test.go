package integration_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Four that take and do not give come to a mesh of six, two of each kind that siphoner/main.go describes.
//
//	1 ─ 2 ─ 3 ◄── absent, absent: boast of free slots at a port where nobody listens
//	│ ╳ │ ╳ │
//	4 ─ 5 ─ 6 ◄── stingy, stingy: can be dialled, and serve no one
//
// They get little, the honest stay one mesh, and a seventh honest peer gets in.
func TestSiphoners(t *testing.T) {
	m := newMesh(t)
	m.grow(6)
	m.awaitMeshed(10 * time.Second)

	var siphoners []*siphoner
	var ids []string
	for i, kind := range []string{"absent", "absent", "stingy", "stingy"} {
		s := m.siphon(fmt.Sprintf("siphoner-%d", i+1), kind)
		siphoners = append(siphoners, s)
		ids = append(ids, s.id)
	}
	for _, s := range siphoners {
		eventually(t, 10*time.Second, s.name+" tries to take links", func() error { return s.tried(6) })
	}

	m.chatter(100*time.Millisecond, m.up()...)
	m.awaitMeshed(healTime, ids...)
	always(t, 10*time.Second, "the honest are connected, and give no more than one slot in six", func() error {
		s, err := m.statuses()
		if err != nil {
			return err
		}
		for _, s := range s {
			if taken := siphoned(s, ids); len(taken) > 1 {
				return fmt.Errorf("%s has links to %s", s.Name, strings.Join(taken, " and "))
			}
		}
		return connected(s)
	})
	newcomer := m.grow(1)
	m.chatter(100*time.Millisecond, newcomer...)
	t.Logf("a seventh honest peer is in after %v", m.awaitMeshed(healTime, ids...))
	m.stopChatter()
	m.awaitHeard(healTime)
	for _, s := range siphoners {
		t.Log(s)
	}
}

// siphoned returns the names of the siphoners to which a peer has links.
func siphoned(s Status, ids []string) []string {
	var names []string
	for _, l := range s.Links {
		for _, id := range ids {
			if l.ID == id {
				names = append(names, l.Name)
			}
		}
	}
	return names
}

// A siphoner runs in a container of its own.
type siphoner struct {
	name, id string

	mu     sync.Mutex
	linked map[string]int // by honest peer, how often
	turned map[string]int // by honest peer and reason
	whoami chan string
}

func (m *Mesh) siphon(name, kind string) *siphoner {
	m.t.Helper()
	image, err := siphonerImage.image(m.docker)
	must(m.t, "image", err)
	c, err := testcontainers.GenericContainer(m.t.Context(), testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:      image,
			Entrypoint: []string{"/siphoner"},
			Cmd:        []string{kind},
			Name:       m.name + "-" + name,
			Labels:     labels(),
			Networks:   []string{m.network.Name},
			ConfigModifier: func(c *container.Config) {
				c.Hostname = name
				c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
			},
		},
	})
	must(m.t, "create "+name, err)
	s := &siphoner{name: name, linked: map[string]int{}, turned: map[string]int{}, whoami: make(chan string, 1)}
	term, err := attach(m.t.Context(), m.docker, c.GetContainerID(), s.tell, func(error) {})
	must(m.t, "attach to "+name, err)
	m.onClose(func() {
		if _, err := m.docker.ContainerRemove(context.Background(), c.GetContainerID(), client.ContainerRemoveOptions{Force: true}); err != nil {
			m.t.Errorf("remove %s: %v", name, err)
		}
		term.close()
	})
	m.events.add("start %s, %s", name, kind)
	_, err = m.docker.ContainerStart(m.t.Context(), c.GetContainerID(), client.ContainerStartOptions{})
	must(m.t, "start "+name, err)
	select {
	case s.id = <-s.whoami:
	case <-time.After(10 * time.Second):
		m.t.Fatalf("%s does not start:\n%s", name, m.logs(c.GetContainerID()))
	}
	return s
}

// tell reads what the siphoner says.
func (s *siphoner) tell(line []byte, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	words := strings.Fields(string(line))
	switch {
	case len(words) == 2 && words[0] == "id":
		s.whoami <- words[1]
	case len(words) == 4 && words[0] == "linked":
		s.linked[words[2]]++
	case len(words) == 5 && words[0] == "turned":
		s.turned[words[3]+": "+words[4]]++
	}
}

// tried says whether the siphoner has dialled so many peers: it is no danger if it never does.
func (s *siphoner) tried(peers int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	whom := map[string]bool{}
	for name := range s.linked {
		whom[name] = true
	}
	for name := range s.turned {
		whom[strings.SplitN(name, ":", 2)[0]] = true
	}
	if n := len(whom); n < peers {
		return fmt.Errorf("it has dialled %d peers of %d: %v %v", n, peers, s.linked, s.turned)
	}
	return nil
}

func (s *siphoner) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%s got links to %v and was turned away by %v", s.name, s.linked, s.turned)
}
