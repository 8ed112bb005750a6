package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"hearsay/lab/fleet/docker"
	"hearsay/lab/fleet/local"
)

func TestMain(m *testing.M) {
	local.Main()
	docker.Main()
	dir, err := os.MkdirTemp("", "hearsay-lab-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", dir) // where labs and peers leave notes
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
