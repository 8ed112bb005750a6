package integration_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/client"
)

// repo is the folder of the whole project, seen from this one.
const repo = ".."

// The programs that containers run. Each is built on this machine and becomes an image by the `prebuilt` stage of the project's
// own Dockerfiles, which takes a third of a second; TestDockerfile builds the stages that people use.
var (
	peerImage     = &program{name: "peer", source: "./peer"}
	handImage     = &program{name: "hand", source: "./integration/hand"}
	siphonerImage = &program{name: "siphoner", source: "./integration/siphoner"}
	labImage      = &program{name: "lab", source: "./lab", dockerfile: "lab/Dockerfile"}
)

type program struct {
	name, source string
	dockerfile   string // "Dockerfile" if empty
	once         sync.Once
	tag          string
	err          error
}

// image builds the image at its first call and returns its name.
func (p *program) image(docker *client.Client) (string, error) {
	p.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		p.tag = fmt.Sprintf("hearsay-integration-%s:%s", p.name, run)
		p.err = p.build(ctx, docker)
	})
	if p.err != nil {
		return "", fmt.Errorf("build the image of %s: %w", p.name, p.err)
	}
	return p.tag, nil
}

// build makes the image. Its file system is the program, the file that makes resolvers ask DNS
// before /etc/hosts, and the mode of /tmp, as the Dockerfiles' comments say.
func (p *program) build(ctx context.Context, docker *client.Client) error {
	dir, err := os.MkdirTemp("", "hearsay-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	info, err := docker.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return err
	}
	binary := filepath.Join(dir, p.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, p.source)
	cmd.Dir = repo
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+info.Arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", p.source, err, out)
	}
	dockerfile, err := os.ReadFile(filepath.Join(repo, cmp.Or(p.dockerfile, "Dockerfile")))
	if err != nil {
		return err
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for _, f := range []struct {
		name string
		mode int64
		body []byte
	}{
		{"Dockerfile", 0o644, dockerfile},
		{".dockerignore", 0o644, []byte("Dockerfile\n.dockerignore\n")},
		{"etc/nsswitch.conf", 0o644, []byte("hosts: dns files\n")},
		{"tmp/", 0o1777, nil},
		{p.name, 0o755, program},
	} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.body))}))
		_, werr := w.Write(f.body)
		err = errors.Join(err, werr)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	r, err := docker.ImageBuild(ctx, &files, client.ImageBuildOptions{
		Tags: []string{p.tag}, Labels: labels(), Target: "prebuilt", Remove: true, ForceRemove: true,
		Version: build.BuilderV1, // the one that every engine has
	})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return buildError(r.Body)
}

// buildError reads what a builder says, and returns what went wrong.
func buildError(r io.Reader) error {
	for in := json.NewDecoder(r); ; {
		var m struct{ Error string }
		switch err := in.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Error != "":
			return errors.New(m.Error)
		}
	}
}
