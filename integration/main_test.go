// Package integration_test starts peers in containers, breaks them on purpose, and checks that the
// mesh heals and that nothing is lost: what only a kernel, a bridge and a real network card can say.
//
//	go test ./integration                    all of it; it builds the peer's image by itself
//	go test ./integration -run TestKill -v   one story, with what is done to the mesh
//	go test ./integration -run TestMeasure -measure.runs 20   how fast it is, as a table
//
// Each file tells one story, with the topology drawn at its top. The rest is the lab they are played in: a [Mesh] of
// peers on a bridge network of its own, faults that prove they took effect (fault_test.go, and the program in hand/), conditions to wait
// for (wait_test.go, meshed_test.go) and a [Ledger] of what was said and heard (ledger_test.go).
//
// When a test fails, the peers' logs, their last status and the ledger are in the folder that the failure names;
// HEARSAY_ARTIFACTS says where such folders go.
package integration_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go/log"
)

func TestMain(m *testing.M) {
	// Testcontainers' own reaper is one more image to have. What a killed run left is swept by the next, see sweep.
	setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	// Published ports are at loopback, also where testcontainers takes this machine for a container, by /.dockerenv.
	setenv("TESTCONTAINERS_HOST_OVERRIDE", loopback)
	log.SetDefault(log.NewNoopLogger())
	if docker, err := engine(); err == nil {
		if err := sweep(docker); err != nil {
			fmt.Fprintln(os.Stderr, "what an earlier run left could not be removed:", err)
		}
	}
	code := m.Run()
	if docker, err := engine(); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := removeOwn(ctx, docker); err != nil {
			fmt.Fprintln(os.Stderr, "what this run made could not be removed:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func setenv(key, value string) {
	if os.Getenv(key) == "" {
		os.Setenv(key, value)
	}
}
