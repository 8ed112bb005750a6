package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A command is run in the project's folder, with this process's environment, but what somebody has set
// for his own peers, and some more.
type command struct {
	env   []string
	stdin string
}

// run runs it and returns its standard output; the error holds what it wrote to standard error.
func (c command) run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = repo
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "PEER_") })
	if docker, err := engine(); err == nil {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+docker.DaemonHost()) // the one that all the rest is done with
	}
	cmd.Env = append(cmd.Env, c.env...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// must runs it, and the test fails if it does.
func (c command) must(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := c.run(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// always runs it, also when the test is over, and only reports that it fails.
func (c command) always(t testing.TB, name string, args ...string) {
	t.Helper()
	if _, err := c.run(context.Background(), name, args...); err != nil {
		t.Error(err)
	}
}

// needCommand skips the test where a command is missing, or fails it in CI.
func needCommand(t testing.TB, hint, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Run(); err != nil {
		skip(t, "it needs `%s %s` (%v); %s", name, strings.Join(args, " "), err, hint)
	}
}
