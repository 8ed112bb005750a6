package api

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A peer that serves its API on a port the system chose leaves a note of it where another command of
// the same user finds it: a file named after the process, which holds the peer's name and address.

// NoteDir is a folder of this user's alone, made if need be: what stands in it decides where `peer send` sends to,
// and which lab a command of the lab's speaks with.
func NoteDir() (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("hearsay-%d", os.Getuid()))
	} else {
		dir = filepath.Join(dir, "hearsay")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !private(info) {
		return "", fmt.Errorf("%s is not a folder that is this user's alone", dir)
	}
	return dir, nil
}

// Note leaves a note that the peer of this name serves its API at addr, until the returned function is
// called. Where no note can be left, as in a read-only container, nothing happens.
func Note(name, addr string) (remove func()) {
	dir, err := NoteDir()
	if err != nil {
		return func() {}
	}
	path := filepath.Join(dir, "peer-"+strconv.Itoa(os.Getpid()))
	if os.WriteFile(path, []byte(name+" "+addr+"\n"), 0o600) != nil {
		return func() {}
	}
	return func() { os.Remove(path) }
}

// Forget removes the note of another process, which was killed and could not do so itself.
func Forget(pid int) {
	if dir, err := NoteDir(); err == nil {
		os.Remove(filepath.Join(dir, "peer-"+strconv.Itoa(pid)))
	}
}

// Find returns the API address of the one peer that runs under this user on this machine. With none
// or several it says so, and what to do.
func Find() (addr string, err error) {
	dir, err := NoteDir()
	if err != nil {
		return "", fmt.Errorf("no running peer found; name one with --to: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("no running peer found; name one with --to: %w", err)
	}
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(path)
		name, at, ok := strings.Cut(strings.TrimSpace(string(data)), " ")
		if err != nil || !ok {
			continue
		}
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err != nil {
			os.Remove(path) // its peer was killed
			continue
		}
		c.Close()
		addr = at
		found = append(found, at+" ("+name+")")
	}
	slices.Sort(found)
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no running peer found on this machine; start one, or name one with --to")
	case 1:
		return addr, nil
	default:
		return "", fmt.Errorf("several peers run here; choose one with --to: %s", strings.Join(found, ", "))
	}
}
