package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/moby/moby/client"

	"hearsay/lab/fleet/self"
)

// A keeper is a process that waits for the end of the lab and then removes what is left of its containers: those end by
// themselves when their standard input does, but one that is paused cannot.
type keeper struct {
	cmd *exec.Cmd
	in  io.Closer
}

const (
	roleKeeper = "keeper"
	// keptLab tells a keeper whose containers to remove.
	keptLab = "HEARSAY_LAB_KEEPER"
	// keepFor is how long a keeper tries.
	keepFor = 30 * time.Second
)

// Main makes a keeper of this process if a fleet started it to be one, and never returns then. Otherwise it returns at
// once. It stands first in main, or in TestMain; without it nobody removes paused containers if the program is killed,
// but the next fleet.
func Main() {
	self.Main(roleKeeper, func() int {
		io.Copy(io.Discard, os.Stdin)
		if err := sweep(os.Getenv(keptLab)); err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
			return 1
		}
		return 0
	})
}

// sweep removes what a fleet made.
func sweep(lab string) error {
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer docker.Close()
	ctx, cancel := context.WithTimeout(context.Background(), keepFor)
	defer cancel()
	f := &Fleet{docker: docker}
	for {
		// A network goes only after those in it.
		err := f.removeOurs(ctx, func(labels map[string]string) bool { return labels[labelLab] == lab })
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(pollEvery)
	}
}

// startKeeper starts one, if this program can be one.
func (f *Fleet) startKeeper() error {
	path, env, err := self.Program(roleKeeper)
	if errors.Is(err, self.ErrNoMain) {
		return nil
	}
	if err != nil {
		return err
	}
	cmd := exec.Command(path)
	cmd.Args[0] = "hearsay-keeper"
	cmd.Env = append(os.Environ(), env, keptLab+"="+f.labels[labelLab])
	self.Detach(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a keeper: %w", err)
	}
	f.keeper = &keeper{cmd, in}
	return nil
}

// close lets the keeper do its work, and waits for it.
func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	k.in.Close()
	return k.cmd.Wait()
}
