package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearsay/peer/api"
)

// Note is how a lab is found by other commands of the same user: a file that nobody else can read.
type Note struct {
	Name   string `json:"name"`
	Addr   string `json:"addr"`
	Token  string `json:"token"`
	Engine string `json:"engine"`
	PID    int    `json:"pid"`
}

// leaveNote leaves a note until the returned function is called. Where none can be left the lab is found by nobody but
// whoever is told its address, as by --lab.
func leaveNote(n Note) (remove func()) {
	dir, err := api.NoteDir()
	if err != nil {
		return func() {}
	}
	path := filepath.Join(dir, "lab-"+strconv.Itoa(n.PID)+"-"+n.Addr[strings.LastIndexByte(n.Addr, ':')+1:])
	data, err := json.Marshal(n)
	if err != nil || os.WriteFile(path, data, 0o600) != nil {
		return func() {}
	}
	return func() { os.Remove(path) }
}

// ErrNone is returned where no lab runs.
var ErrNone = errors.New("no lab is running here: start one with `lab up`, in another shell")

// Running lists the labs that run under this user on this machine.
func Running() ([]Note, error) {
	dir, err := api.NoteDir()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "lab-*"))
	if err != nil {
		return nil, err
	}
	var list []Note
	for _, path := range files {
		data, err := os.ReadFile(path)
		var n Note
		if err != nil || json.Unmarshal(data, &n) != nil {
			continue
		}
		c, err := net.DialTimeout("tcp", n.Addr, time.Second)
		if err != nil {
			os.Remove(path) // its lab was killed
			continue
		}
		c.Close()
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b Note) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Find returns the note of the lab of that name or port, or of the only one if neither is given.
func Find(which string) (Note, error) {
	list, err := Running()
	if err != nil {
		return Note{}, err
	}
	var names []string
	for _, n := range list {
		_, port, _ := net.SplitHostPort(n.Addr)
		if which != "" && (n.Name == which || port == which || n.Addr == which) {
			return n, nil
		}
		names = append(names, fmt.Sprintf("%s (%s, http://%s/)", n.Name, n.Engine, n.Addr))
	}
	switch {
	case len(list) == 0:
		return Note{}, ErrNone
	case which != "":
		return Note{}, fmt.Errorf("no lab %q is running; there is %s", which, strings.Join(names, ", "))
	case len(list) > 1:
		return Note{}, fmt.Errorf("several labs are running; choose one with --lab: %s", strings.Join(names, ", "))
	}
	return list[0], nil
}
