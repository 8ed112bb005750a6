// Package cli is the command line of a peer: flags and environment, the commands that run one and those that
// talk to one. Command peer is nothing else; the lab is a peer too when it is told to, since it starts itself
// again for each of its peers.
package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1 // what was asked for could not be done
	exitBadUsage = 2 // a flag, a taken port, a missing interface
)

// usageError is an error that its user mends by another command line; it exits with exitBadUsage.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// flagError names the flag and its variable.
func flagError(flag string, err error) error {
	return usageError{fmt.Errorf("--%s (%s): %w", flag, envOf(flag), err)}
}

func envOf(flag string) string {
	return "PEER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// commands is the command line.
type commands struct {
	Run    runCmd    `cmd:"" default:"withargs" help:"Run a peer: publish the lines of standard input, print what others say. This is the default."`
	Send   sendCmd   `cmd:"" help:"Publish a text at a running peer, and print the message's id and trace."`
	Status statusCmd `cmd:"" help:"Print the status of a running peer as JSON."`
	Health healthCmd `cmd:"" help:"Exit 0 if a running peer answers that it is well."`
	Hand   handCmd   `cmd:"" hidden:"" help:"Serve a lab beside a running peer, on standard input and output: see package hook."`

	Version kong.VersionFlag `env:"-" help:"Print the version, and quit."`
}

// Main runs `peer` with these arguments and streams, and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("peer"),
		kong.Description("One peer of a self-healing mesh on a LAN."),
		kong.DefaultEnvars("PEER"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Help(help),
		kong.Vars{"version": "hearsay " + Version()},
	)
	if err != nil {
		panic(err) // the struct tags above are wrong
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help, --version
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "peer: %v (peer --help lists the flags)\n", err)
		return exitBadUsage
	}
	err = k.Run(&streams{stdin, stdout, stderr})
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "peer: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, bad := errors.AsType[usageError](err); bad {
		return exitBadUsage
	}
	return exitFailed
}

// help prints the commands, and for the program as a whole also the flags of its default command.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || ctx.Selected() != nil {
		return err
	}
	run, err := kong.Trace(ctx.Kong, []string{"run"})
	if err != nil {
		return err
	}
	fmt.Fprintln(ctx.Stdout)
	return kong.DefaultHelpPrinter(options, run)
}

// streams are a command's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}
