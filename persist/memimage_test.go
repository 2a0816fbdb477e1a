package persist_test

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// memImage is what is on a disk: the bytes of files; nil for folders.
type memImage map[string][]byte

// boot returns a file system with what is on the disk, all of it durable.
func (img memImage) boot() *memFS {
	m := &memFS{names: make(map[string]*memNode), pending: make(map[string][]nameChange), locks: make(map[string]bool)}
	for name, data := range img {
		node := &memNode{mode: fs.ModeDir | 0o700}
		if data != nil {
			node = &memNode{mode: 0o600, data: slices.Clone(data), durable: slices.Clone(data)}
		}
		m.names[name] = node
	}
	m.durable = maps.Clone(m.names)
	return m
}

// image returns what the running system sees on the disk.
func (m *memFS) image() memImage {
	m.mu.Lock()
	defer m.mu.Unlock()
	img := make(memImage)
	for name, node := range m.names {
		img[name] = nil
		if !node.mode.IsDir() {
			img[name] = append([]byte{}, node.data...)
		}
	}
	return img
}

// but returns the image with a file in place of another, or of none.
func (img memImage) but(name string, data []byte) memImage {
	img = maps.Clone(img)
	img[name] = data
	return img
}

// without returns the image without some files.
func (img memImage) without(names ...string) memImage {
	img = maps.Clone(img)
	for _, name := range names {
		delete(img, name)
	}
	return img
}

// kill returns what a dead process leaves: all that it wrote.
func (m *memFS) kill() memImage { return m.image() }

// crash returns what is left after a power loss. keep is asked, for every
// change that is not durable, whether it has reached the disk all the same.
func (m *memFS) crash(keep func() bool) memImage {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.durable)
	for _, dir := range slices.Sorted(maps.Keys(m.pending)) {
		for _, change := range m.pending[dir] {
			if keep() {
				change.apply(names)
			}
		}
	}
	contents := make(map[*memNode][]byte)
	img := make(memImage)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		node := names[name]
		if !reachable(names, name) {
			continue
		}
		img[name] = nil
		if node.mode.IsDir() {
			continue
		}
		if contents[node] == nil {
			contents[node] = node.remains(keep)
		}
		img[name] = contents[node]
	}
	return img
}

func keepNone() bool { return false }

func keepAll() bool { return true }

func keepSome(seed uint64) func() bool {
	r := rand.New(rand.NewPCG(seed, 0))
	return func() bool { return r.IntN(2) == 0 }
}

// reachable reports whether every folder above a name is there.
func reachable(names map[string]*memNode, name string) bool {
	for dir := filepath.Dir(name); dir != name; name, dir = dir, filepath.Dir(dir) {
		if names[dir] == nil {
			return false
		}
	}
	return true
}

const sector = 512

// remains returns the content after a crash: of each sector that was not
// synced the new or the old bytes, and the new or the old length.
func (n *memNode) remains(keep func() bool) []byte {
	length := len(n.durable)
	if keep() {
		length = len(n.data)
	}
	out := make([]byte, length)
	for at := 0; at < length; at += sector {
		from := n.durable
		if keep() {
			from = n.data
		}
		if at < len(from) {
			copy(out[at:min(at+sector, length)], from[at:])
		}
	}
	return out
}
