package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// A Peer is one container, and what the test knows of it. Testcontainers makes it; what tests do to it
// (attach to it, start it again, kill, pause, disconnect) goes to the engine itself, which has words for all that.
type Peer struct {
	mesh  *Mesh
	name  string
	image string
	cmd   []string
	env   map[string]string
	id    string // of the container

	talk sync.Mutex // one publishes after the other, so that the ledger knows the order

	lending sync.Mutex
	hand    *Hand // of this life

	mu    sync.Mutex
	life  *Life // the present one, or the last
	runs  bool
	away  bool // it runs, but is paused or cut off from everything, and so cannot be asked
	term  *terminal
	api   *api
	last  Status // the last that was read, for when the peer cannot be asked any more
	addr  netip.Addr
	mac   string
	began time.Time // when the engine says that the container started
}

const httpPort = "7070/tcp"

// create makes the container as compose.yaml does: no capability, nothing writable, little memory.
// There is no health check, since its process each second would be most of what an idle peer costs.
func (p *Peer) create() error {
	env := maps.Clone(p.env)
	if env["PEER_NAME"] == "" {
		env["PEER_NAME"] = p.name
	}
	c, err := testcontainers.GenericContainer(p.mesh.t.Context(), testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:          p.image,
			Cmd:            p.cmd,
			Name:           p.mesh.name + "-" + p.name,
			Env:            env,
			Labels:         labels(),
			ExposedPorts:   []string{httpPort},
			Networks:       []string{p.mesh.network.Name},
			NetworkAliases: map[string][]string{p.mesh.network.Name: {p.name, peerAlias}},
			ConfigModifier: func(c *container.Config) {
				c.Hostname = p.name
				c.OpenStdin = true
				c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
			},
			HostConfigModifier: func(h *container.HostConfig) {
				h.PortBindings = atLoopback(httpPort)
				h.ReadonlyRootfs = true
				h.CapDrop = []string{"ALL"}
				h.SecurityOpt = []string{"no-new-privileges:true"}
				h.Memory = 192 << 20
			},
		},
	})
	if err != nil {
		return err
	}
	p.id = c.GetContainerID()
	return nil
}

// atLoopback publishes ports at a free port of the loopback address.
func atLoopback(ports ...string) mobynet.PortMap {
	m := mobynet.PortMap{}
	for _, s := range ports {
		m[mobynet.MustParsePort(s)] = []mobynet.PortBinding{{HostIP: netip.MustParseAddr(loopback)}}
	}
	return m
}

// start begins a life. The terminal is attached before the container starts, so that not one line is missed.
func (p *Peer) start() error {
	ctx := p.mesh.t.Context()
	if err := p.takeHand(ctx); err != nil {
		return err
	}
	life := p.mesh.ledger.start(p.name)
	term, err := attach(ctx, p.mesh.docker, p.id,
		func(line []byte, at time.Time) { p.mesh.ledger.hear(life, line, at) },
		func(err error) {
			if p.isLiving(life) {
				p.mesh.ledger.broke(life, err)
			}
		})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.life, p.runs, p.away, p.term = life, true, false, term
	p.mu.Unlock()
	if _, err := p.mesh.docker.ContainerStart(ctx, p.id, client.ContainerStartOptions{}); err != nil {
		return err
	}
	return p.locate()
}

// locate learns the peer's addresses, and the port at which its HTTP API is published: they are new after
// each start, and after the network was connected again.
func (p *Peer) locate() error {
	in, err := p.inspect()
	if err != nil {
		return err
	}
	bindings := in.NetworkSettings.Ports[mobynet.MustParsePort(httpPort)]
	if len(bindings) == 0 {
		return fmt.Errorf("%s has no published port; its state: %s, exit code %d", p.name, in.State.Status, in.State.ExitCode)
	}
	port, err := strconv.ParseUint(bindings[0].HostPort, 10, 16)
	if err != nil {
		return err
	}
	endpoint := in.NetworkSettings.Networks[p.mesh.network.Name]
	if endpoint == nil {
		return fmt.Errorf("%s is not in the network", p.name)
	}
	began, err := time.Parse(time.RFC3339Nano, in.State.StartedAt)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.api != nil {
		p.api.close()
	}
	p.api, p.addr, p.mac, p.began = newAPI(uint16(port)), endpoint.IPAddress, endpoint.MacAddress.String(), began
	return nil
}

func (p *Peer) inspect() (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	in, err := p.mesh.docker.ContainerInspect(ctx, p.id, client.ContainerInspectOptions{})
	return in.Container, err
}

// startTime is how long a peer may take from being started to answering, on a machine that starts a dozen.
const startTime = 20 * time.Second

// awaitUp waits until the peer answers.
func (p *Peer) awaitUp() error {
	for begun := time.Now(); ; time.Sleep(poll) {
		s, err := p.status()
		if err == nil {
			p.mesh.ledger.up(p.living())
			p.mesh.events.add("%s is up: %.4s at %s", p.name, s.ID, s.Addr)
			return nil
		}
		in, ierr := p.inspect()
		if ierr != nil || !in.State.Running {
			return fmt.Errorf("it ended with exit code %d: %w", in.State.ExitCode, errors.Join(err, ierr))
		}
		if time.Since(begun) > startTime {
			return fmt.Errorf("no answer within %v: %w", startTime, err)
		}
	}
}

// answers says whether the peer runs and can be asked how it does.
func (p *Peer) answers() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs && !p.away
}

func (p *Peer) setDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = false
}

func (p *Peer) setAway(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

func (p *Peer) living() *Life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

func (p *Peer) isLiving(life *Life) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs && p.life == life
}

func (p *Peer) http() *api {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.api
}

// status asks the peer how it does.
func (p *Peer) status() (Status, error) {
	s, err := p.http().status(context.Background())
	if err == nil {
		p.mu.Lock()
		p.last = s
		p.mu.Unlock()
	}
	return s, err
}

// peerID is the id that the peer had when it was last asked.
func (p *Peer) peerID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.ID
}

// kill is SIGKILL: the kernel resets the peer's connections, and nobody says goodbye.
func (p *Peer) kill() error {
	p.setDown()
	p.mesh.ledger.end(p.living(), false) // before it is done, or its silence could be taken for a loss
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := p.mesh.docker.ContainerKill(ctx, p.id, client.ContainerKillOptions{Signal: "SIGKILL"})
	return errors.Join(err, p.awaitGone(ctx))
}

// stop is SIGTERM, which a peer must obey within its two seconds' grace and some, with exit code 0.
func (p *Peer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	p.setDown()
	patience := 5
	_, err := p.mesh.docker.ContainerStop(ctx, p.id, client.ContainerStopOptions{Signal: "SIGTERM", Timeout: &patience})
	err = errors.Join(err, p.awaitGone(ctx))
	p.mesh.ledger.end(p.living(), true)
	if err != nil {
		return err
	}
	in, err := p.inspect()
	if err == nil && in.State.ExitCode != 0 {
		err = fmt.Errorf("it was asked to stop and ended with exit code %d", in.State.ExitCode)
	}
	return err
}

// awaitGone waits until the container has ended and all that it wrote has been read.
func (p *Peer) awaitGone(ctx context.Context) error {
	p.mu.Lock()
	term := p.term
	p.mu.Unlock()
	select {
	case <-term.done:
	case <-ctx.Done():
		return fmt.Errorf("its standard output does not end: %w", ctx.Err())
	}
	for {
		in, err := p.inspect()
		if err != nil || !in.State.Running {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("it does not end: %w", ctx.Err())
		}
		time.Sleep(poll)
	}
}

// remove removes the container and whatever was started for it.
func (p *Peer) remove(ctx context.Context) error {
	p.mu.Lock()
	p.runs = false
	term, api := p.term, p.api
	p.mu.Unlock()
	err := p.takeHand(ctx)
	if term != nil {
		term.close()
	}
	if api != nil {
		api.close()
	}
	if p.id == "" {
		return err
	}
	_, rerr := p.mesh.docker.ContainerRemove(ctx, p.id, client.ContainerRemoveOptions{Force: true})
	return errors.Join(err, rerr)
}
