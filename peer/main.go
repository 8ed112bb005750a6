// Command peer is one peer of a self-healing mesh on a LAN.
//
// Start several, on one machine or many: they find each other. What is typed at one is printed by all
// the others. `peer --help` lists the flags; every flag has an environment variable, PEER_ and its
// name in capitals. Traces, metrics and logs go where the standard OTEL_ variables say.
package main

import (
	"os"

	"hearsay/peer/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
