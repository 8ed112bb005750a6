package plumtree

// deque is a queue of refs that can be indexed. It is made of pages, as a slice that grows at one end and
// shrinks at the other would be copied again and again.
type deque struct {
	pages []*[pageRefs]ref
	head  int // of the first page's refs, so many are gone
	n     int
}

// pageRefs is a compromise: an origin that says little has one page, a KiB.
const pageRefs = 64

func (d *deque) len() int { return d.n }

func (d *deque) at(i int) *ref {
	i += d.head
	return &d.pages[i/pageRefs][i%pageRefs]
}

func (d *deque) push(r ref) {
	if d.head+d.n == len(d.pages)*pageRefs {
		d.pages = append(d.pages, new([pageRefs]ref))
	}
	d.n++
	*d.at(d.n - 1) = r
}

// pop removes the first, and whatever memory is no longer needed: a ref that stayed would keep its
// chunk alive.
func (d *deque) pop() {
	*d.at(0) = ref{}
	d.n--
	if d.head++; d.head == pageRefs {
		d.pages[0] = nil
		d.pages, d.head = d.pages[1:], 0
	}
}
