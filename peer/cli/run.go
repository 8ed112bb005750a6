package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hearsay/peer/api"
	"hearsay/peer/discovery"
	"hearsay/peer/hook"
	"hearsay/peer/node"
	"hearsay/peer/telemetry"
)

// runCmd runs a peer.
type runCmd struct {
	Name        string        `help:"What people see: 1 to 63 printable ASCII characters without spaces. Default: the replica's or the host's name." placeholder:"NAME"`
	Listen      string        `default:":0" help:"TCP address for links; port 0 is the first free one from 49152 up." placeholder:"ADDR"`
	Group       string        `default:"239.255.77.77:49152" help:"Multicast group for discovery; none switches it off." placeholder:"ADDR"`
	Interface   []string      `help:"Network interfaces for multicast (lo for this machine only). Default: all." placeholder:"NAME"`
	Join        []string      `help:"Addresses or DNS names of peers to begin with; looked up again for as long as this peer lives." placeholder:"HOST"`
	Links       int           `default:"3" help:"Outgoing links wanted."`
	Serve       int           `default:"6" help:"Incoming links served; not less than --links."`
	HTTP        string        `name:"http" default:"127.0.0.1:0" help:"Address of the HTTP API; none switches it off." placeholder:"ADDR"`
	Retain      time.Duration `default:"10m" help:"How long messages are kept for those who missed them."`
	RetainBytes byteSize      `default:"64MiB" help:"How many bytes of messages are kept at most."`
	History     bool          `help:"Ask for what was said before this peer started, as far as others keep it."`
	JSON        bool          `name:"json" help:"Print deliveries as JSON lines."`
	Lab         bool          `hidden:"" help:"Standard input and output are a lab's: see package hook."`
	LogLevel    string        `default:"info" enum:"debug,info,warn,error" help:"What is logged to standard error: debug, info, warn or error."`
}

// flushFor is how long the last spans may take to leave, and how long the standard streams may take to
// be read.
const flushFor = 2 * time.Second

// Run runs the peer until SIGINT, SIGTERM or the end of its standard output.
func (c *runCmd) Run(s *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := c.config(ctx)
	if err != nil {
		return err
	}
	var apiListener net.Listener
	if c.HTTP != "none" {
		if apiListener, err = api.Listen(c.HTTP); err != nil {
			return flagError("http", err)
		}
		defer apiListener.Close()
	}
	cfg.ID = node.NewID()
	signal.Ignore(syscall.SIGPIPE) // a broken pipe is an error like others: the peer says goodbye first
	logs := startLogWriter(s.err)
	defer logs.close(flushFor)
	stderr := c.stderrHandler(logs)
	telemetry.Quiet(slog.New(stderr))
	tel := telemetry.Start(telemetry.Resource{ID: cfg.ID, Name: cfg.Name, Version: Version()}, slog.New(stderr))
	log := slog.New(stderr)
	if remote := tel.LogHandler(stderr.level); remote != nil {
		log = slog.New(slog.NewMultiHandler(stderr, remote))
	}
	cfg.Log, cfg.Telemetry = log, tel
	var lab *hook.Session
	if c.Lab {
		self := hook.Hello{ID: string(cfg.ID), Name: cfg.Name}
		if apiListener != nil {
			self.API = apiListener.Addr().String()
		}
		lab = hook.Open(self, s.in, s.out)
		cfg.Network, cfg.Watch = lab.Network(node.SystemNetwork()), lab.Tell
	}
	n, err := node.Start(cfg)
	if err != nil {
		shutdown(tel, log)
		return nodeError(err)
	}
	log.Info("listening", "name", n.Name(), "id", n.ID().Short(), "addr", n.Addr().String())

	said := c.talk(ctx, n, s, lab, log, stop)
	if apiListener != nil {
		server := api.Serve(n, apiListener, log)
		defer server.Close()
		defer api.Note(n.Name(), server.Addr())()
		log.Info("API", "addr", "http://"+server.Addr())
	}

	<-ctx.Done()
	stop() // a second signal ends the process at once
	log.Info("leaving")
	n.Close()
	err = said()
	shutdown(tel, log)
	return err
}

// talk has the standard streams speak and hear for the peer: with a person, or with a lab if there is one. What it
// returns waits until all is written, after the node was closed, or until nobody has read it for flushFor; the
// error is that of standard output.
func (c *runCmd) talk(ctx context.Context, n *node.Node, s *streams, lab *hook.Session, log *slog.Logger, stop func()) (wait func() error) {
	if lab == nil {
		out := startPrinter(n, s.out, c.JSON, log, stop)
		go publishLines(ctx, n, s.in, log)
		return out.wait
	}
	lab.Serve(n)
	go func() {
		<-lab.End()
		stop()
	}()
	return func() error {
		lab.Close(flushFor)
		return nil
	}
}

func shutdown(tel *telemetry.Telemetry, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), flushFor)
	defer cancel()
	if err := tel.Shutdown(ctx); err != nil {
		log.Warn("the last traces, metrics or logs did not leave", "err", err)
	}
}

// config turns flags into a node's configuration.
func (c *runCmd) config(ctx context.Context) (node.Config, error) {
	cfg := node.Config{
		Name: c.Name, Listen: c.Listen, Interfaces: c.Interface, Join: c.Join,
		Links: c.Links, Serve: c.Serve, Retain: c.Retain, RetainBytes: int(c.RetainBytes), History: c.History,
	}
	// The library takes zero for the default; here every value was meant.
	for flag, bad := range map[string]bool{"links": c.Links == 0, "serve": c.Serve == 0, "retain": c.Retain == 0, "retain-bytes": c.RetainBytes == 0} {
		if bad {
			return cfg, flagError(flag, errors.New("0 is not possible"))
		}
	}
	if c.Name == "" {
		cfg.Name = discovery.ReplicaName(ctx)
	}
	if c.Group == "none" {
		cfg.NoMulticast = true
		return cfg, nil
	}
	group, err := netip.ParseAddrPort(c.Group)
	if err != nil {
		return cfg, flagError("group", fmt.Errorf("%q is not an address such as 239.255.77.77:49152, nor none", c.Group))
	}
	cfg.Group = group
	return cfg, nil
}

// flagOf tells which flag sets a field of node.Config.
var flagOf = map[string]string{
	"Name": "name", "Listen": "listen", "Group": "group", "Interfaces": "interface", "Join": "join",
	"Links": "links", "Serve": "serve", "Retain": "retain", "RetainBytes": "retain-bytes",
}

func nodeError(err error) error {
	if ce, ok := errors.AsType[*node.ConfigError](err); ok {
		return flagError(flagOf[ce.Field], ce.Err)
	}
	return err
}

// stderrHandler logs to standard error at --log-level.
func (c *runCmd) stderrHandler(stderr io.Writer) leveledHandler {
	var level slog.Level
	level.UnmarshalText([]byte(strings.ToUpper(c.LogLevel))) // checked by its enum
	return leveledHandler{telemetry.TraceIDs(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})), level}
}

// leveledHandler is a handler that tells its level.
type leveledHandler struct {
	slog.Handler
	level slog.Level
}

// Version is what the build says of itself: by Go's tools, from the state of the repository.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// byteSize is a number of bytes: 67108864, 65536KiB or 64MiB.
type byteSize int

// UnmarshalText parses a size. Units are binary: KiB, MiB and GiB.
func (b *byteSize) UnmarshalText(text []byte) error {
	digits, unit := string(text), 1
	for suffix, u := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if d, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = d, u
			break
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > (1<<40)/unit {
		return fmt.Errorf("%q is not a size such as 64MiB, 512KiB or 1000000", text)
	}
	*b = byteSize(n * unit)
	return nil
}

// traceURL is where Jaeger shows a trace.
func traceURL(jaeger, traceID string) string {
	return strings.TrimSuffix(jaeger, "/") + "/trace/" + traceID
}
