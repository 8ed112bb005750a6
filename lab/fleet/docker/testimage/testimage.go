// Package testimage makes an image of the peer as it is in this checkout, for tests: what the Dockerfile makes, in a
// second, since the binary is built outside.
package testimage

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"
)

// removeWithin is how long the engine may take to remove an image.
const removeWithin = 10 * time.Second

// Build builds the peer and imports it under a name of this process's own. Call remove when the test is over.
func Build(ctx context.Context) (name string, remove func(), err error) {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return "", nil, err
	}
	files, err := fileSystem(ctx)
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("hearsay-test-image:%d", os.Getpid())
	r, err := c.ImageImport(ctx, client.ImageImportSource{Source: files, SourceName: "-"}, name, client.ImageImportOptions{
		Changes: []string{`ENTRYPOINT ["/peer"]`, "ENV PEER_HTTP=127.0.0.1:7070", "USER 10001:10001"},
	})
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return name, func() { drop(name) }, err
}

// fileSystem is the image's: the peer, and what has it find its name by DNS.
func fileSystem(ctx context.Context) (io.Reader, error) {
	dir, err := os.MkdirTemp("", "hearsay-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "peer")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "hearsay/peer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the peer: %w\n%s", err, out)
	}
	peer, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, f := range []struct {
		name string
		data []byte
	}{{"peer", peer}, {"etc/nsswitch.conf", []byte("hosts: dns files\n")}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return &layer, w.Close()
}

func drop(name string) {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), removeWithin)
	defer cancel()
	c.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true})
}
