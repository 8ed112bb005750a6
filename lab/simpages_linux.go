package main

import (
	"reflect"
	"runtime"

	"golang.org/x/sys/unix"
)

// largePages has the kernel back the next n bytes of the heap with pages of 2 MiB, where it is left to us to ask for them
// (transparent_hugepage is madvise). What an event touches of a mesh of thousands lies in as many pages as it has
// pieces, and to find each page takes as long as to fetch what is there: a fifth of a run's time, measured with 10,000
// peers. Go's runtime does not ask. So the heap grows once by n bytes that nobody touches, and what comes later takes
// their place. An error is a kernel without large pages, which does as well, and more slowly.
func largePages(n int64) {
	room := make([]byte, n+largePage)
	from := (reflect.ValueOf(room).Pointer() + largePage - 1) &^ (largePage - 1)
	unix.Syscall(unix.SYS_MADVISE, from, uintptr(n), unix.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	room = nil
	runtime.GC() // so that the room is there for others
}

const largePage = 2 << 20
