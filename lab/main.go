// Command lab starts a mesh of peers, breaks it, shows it heal, and keeps the evidence.
//
//	go run ./lab                                    six peers, and a page that shows them
//	go run ./lab kill root                          in another shell: break it, and read how it healed
//	go run ./lab explain last                       who told whom
//	go run ./lab up --engine docker                 the same for the peers of a compose project
//	go run ./lab run lab/scenarios/FILE.yaml        a story with expectations, and its evidence
//	go run ./lab sim --peers 1000 --kill 80%        thousands of peers in virtual time
//
// Exit codes: 0 good; 1 an expectation failed, a peer misses a message, or a violation was found; 2 bad usage
// or a bad file; 3 this machine cannot do it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"hearsay/lab/control"
	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/local"
	peer "hearsay/peer/cli"
)

// cli is the command line. Each command is in a file of its own.
type cli struct {
	Up     upCmd     `cmd:"" default:"withargs" help:"Start a lab: peers that find each other, and a page that shows them. This is the default."`
	Status statusCmd `cmd:"" help:"Say how the lab and its peers do."`
	Send   sendCmd   `cmd:"" help:"Have a peer say something, and tell how it fared."`
	faultCmds
	Explain explainCmd `cmd:"" help:"Tell who told whom a message, hop by hop, and who has not got it and why."`
	Graph   graphCmd   `cmd:"" help:"Draw who is linked to whom."`
	Top     topCmd     `cmd:"" help:"Watch peers, links and figures in the terminal."`
	Down    downCmd    `cmd:"" help:"End the lab."`

	Run     runCmd     `cmd:"" help:"Carry out scenarios, judge them, and keep the evidence."`
	Report  reportCmd  `cmd:"" help:"Make the page of a run anew from its folder."`
	Compare compareCmd `cmd:"" help:"Put two runs side by side."`

	Sim simCmd `cmd:"" help:"Run peers by the thousand in virtual time."`

	Version kong.VersionFlag `help:"Print the version, and quit."`
}

// exit codes of the lab.
const (
	exitFailed = 1
	exitUsage  = 2
	exitCannot = 3
)

// exitError ends the lab with a code. Its text, if there is any, is one line for standard error.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failed, misused and cannot end a command with codes 1, 2 and 3.
func failed(err error) error  { return &exitError{exitFailed, err} }
func misused(err error) error { return &exitError{exitUsage, err} }
func cannot(err error) error  { return &exitError{exitCannot, err} }

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	local.Main()  // a local peer is this program in another role,
	docker.Main() // and so is the keeper of containers
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once; what it has started sees to itself
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run is main without the process, for tests.
func run(ctx context.Context, args []string, s streams) int {
	var c cli
	code := -1
	parser, err := kong.New(&c,
		kong.Name("lab"),
		kong.Description("Start a mesh of peers, break it, watch it heal."),
		kong.UsageOnError(),
		kong.Writers(s.out, s.err),
		kong.Exit(func(n int) { code = n }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.Vars{"version": "hearsay " + peer.Version(), "port": strconv.Itoa(control.DefaultPort), "image": docker.DefaultImage},
	)
	if err != nil {
		panic(err) // the command line's description is wrong
	}
	k, err := parser.Parse(args)
	if code >= 0 {
		return code // --help, --version
	}
	switch bad := notText(args); {
	case err != nil:
		err = misused(plain(belowZero(err, args)))
	case bad != nil:
		err = misused(bad)
	default:
		err = k.Run()
	}
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		code = e.code
	default:
		code = exitFailed
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(s.err, "lab:", text)
	}
	return code
}

// noValue is what the parser of the command line says when a flag's value is missing, or begins as flags do. It suggests
// to write such a value in another way, and no flag takes one.
var noValue = regexp.MustCompile(`^(.*): expected .* but got "(.*)" \((?:<EOL>|short flag|long flag)\)`)

// plain puts the parser's words into ours.
func plain(err error) error {
	m := noValue.FindStringSubmatch(err.Error())
	switch {
	case m == nil:
		return err
	case m[2] == "EOL":
		return fmt.Errorf("%s: a value is missing", m[1])
	}
	return fmt.Errorf("%s: a value is missing: %q begins with a dash, as flags do", m[1], m[2])
}
