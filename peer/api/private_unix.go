//go:build unix

package api

import (
	"os"
	"syscall"
)

// private reports whether a folder is this user's and closed to others.
func private(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}
