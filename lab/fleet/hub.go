package fleet

import (
	"slices"
	"sync"
)

// Hub tells watchers of a fleet's events, one at a time and in order. The zero value is ready. An engine has one.
type Hub struct {
	mu   sync.Mutex
	next int
	all  []watcher
}

type watcher struct {
	id int
	f  func(Event)
}

// Watch is Fleet.Watch.
func (h *Hub) Watch(f func(Event)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	id := h.next
	h.all = append(h.all, watcher{id, f})
	return func() { h.remove(id) }
}

func (h *Hub) remove(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = slices.DeleteFunc(h.all, func(w watcher) bool { return w.id == id })
}

// Emit tells every watcher of an event. It returns when all have been told.
func (h *Hub) Emit(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.all {
		w.f(e)
	}
}
