package integration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// A Hand is a helper's container, inside a peer's network namespace, with the capability to filter what
// comes in there: see the program in hand/. It ends with the peer's life, since a namespace does.
type Hand struct {
	docker  *client.Client
	id      string
	term    *terminal
	mu      sync.Mutex
	answers chan string
}

// lendHand starts a hand for the peer, if it has none.
func (p *Peer) lendHand() (*Hand, error) {
	p.lending.Lock()
	defer p.lending.Unlock()
	if p.hand != nil {
		return p.hand, nil
	}
	image, err := handImage.image(p.mesh.docker)
	if err != nil {
		return nil, err
	}
	ctx := p.mesh.t.Context()
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:      image,
			Entrypoint: []string{"/hand"},
			Labels:     labels(),
			ConfigModifier: func(c *container.Config) {
				c.User = "0"
				c.OpenStdin = true
				c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
			},
			HostConfigModifier: func(h *container.HostConfig) {
				h.NetworkMode = container.NetworkMode("container:" + p.id)
				h.CapDrop = []string{"ALL"}
				h.CapAdd = []string{"NET_ADMIN"}
				h.ReadonlyRootfs = true
			},
		},
	})
	if err != nil {
		return nil, err
	}
	h := &Hand{docker: p.mesh.docker, id: c.GetContainerID(), answers: make(chan string, 1)}
	h.term, err = attach(ctx, h.docker, h.id, func(line []byte, _ time.Time) { h.answers <- string(line) }, func(error) { close(h.answers) })
	if err == nil {
		_, err = h.docker.ContainerStart(ctx, h.id, client.ContainerStartOptions{})
	}
	if err == nil {
		err = h.do("heal") // one that answers listens for multicast too, and this kernel has what it needs
	}
	if err != nil {
		return nil, errors.Join(err, h.remove(context.Background()))
	}
	p.hand = h
	return h, nil
}

// takeHand ends the peer's hand, if it has one.
func (p *Peer) takeHand(ctx context.Context) error {
	p.lending.Lock()
	defer p.lending.Unlock()
	if p.hand == nil {
		return nil
	}
	h := p.hand
	p.hand = nil
	return h.remove(ctx)
}

// do has the hand carry out one command.
func (h *Hand) do(words ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	command := strings.Join(words, " ")
	if err := h.term.writeLine(command); err != nil {
		return err
	}
	select {
	case answer, ok := <-h.answers:
		switch {
		case !ok:
			return fmt.Errorf("%s: the hand has ended", command)
		case answer == "ok":
			return nil
		}
		return fmt.Errorf("%s: %s", command, strings.TrimPrefix(answer, "no "))
	case <-time.After(startTime):
		return fmt.Errorf("%s: the hand does not answer", command)
	}
}

func (h *Hand) remove(ctx context.Context) error {
	_, err := h.docker.ContainerRemove(ctx, h.id, client.ContainerRemoveOptions{Force: true})
	if h.term != nil {
		h.term.close()
	}
	return err
}
