package disk

import (
	"bytes"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// Image is what is on a disk: the bytes of files; nil for folders.
type Image map[string][]byte

// Boot returns a disk with what is in the image, all of it durable.
func (img Image) Boot() *Disk {
	d := &Disk{names: make(map[string]*node, len(img)), pending: make(map[string][]nameChange), locks: make(map[*node]bool)}
	for name, data := range img {
		n := &node{mode: fs.ModeDir | 0o700}
		if data != nil {
			n = &node{mode: 0o600, data: slices.Clone(data), durable: data}
		}
		d.names[name] = n
		d.used += len(data)
	}
	d.durable = maps.Clone(d.names)
	return d
}

// Equal reports whether the same is on both.
func (img Image) Equal(other Image) bool { return maps.EqualFunc(img, other, bytes.Equal) }

// But returns the image with a file in place of another, or of none.
func (img Image) But(name string, data []byte) Image {
	img = maps.Clone(img)
	img[name] = data
	return img
}

// Without returns the image without some files.
func (img Image) Without(names ...string) Image {
	img = maps.Clone(img)
	for _, name := range names {
		delete(img, name)
	}
	return img
}

// Image returns what the running system sees: what a process that is killed
// leaves.
func (d *Disk) Image() Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	img := make(Image, len(d.names))
	for name, n := range d.names {
		img[name] = nil
		if !n.mode.IsDir() {
			img[name] = append([]byte{}, n.content()...)
		}
	}
	return img
}

// Crash returns what is left after a power loss. keep is asked, for every change
// that is not durable, whether it has reached the disk all the same.
func (d *Disk) Crash(keep func() bool) Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := maps.Clone(d.durable)
	for _, dir := range slices.Sorted(maps.Keys(d.pending)) {
		for _, change := range d.pending[dir] {
			if keep() {
				change.apply(names)
			}
		}
	}
	contents := make(map[*node][]byte, len(names))
	img := make(Image, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := names[name]
		if !reachable(names, name) {
			continue
		}
		img[name] = nil
		if n.mode.IsDir() {
			continue
		}
		if contents[n] == nil {
			contents[n] = n.remains(keep)
		}
		img[name] = contents[n]
	}
	return img
}

// KeepNone loses all that is not durable.
func KeepNone() bool { return false }

// KeepAll loses nothing.
func KeepAll() bool { return true }

// KeepSome loses a random half.
func KeepSome(seed uint64) func() bool {
	r := rand.New(rand.NewPCG(seed, 0))
	return func() bool { return r.IntN(2) == 0 }
}

// reachable reports whether every folder above a name is there.
func reachable(names map[string]*node, name string) bool {
	for dir := filepath.Dir(name); dir != name; name, dir = dir, filepath.Dir(dir) {
		if names[dir] == nil {
			return false
		}
	}
	return true
}

const sector = 512

// remains returns the content after a power loss: of each sector that was not
// synced the new or the old bytes, and the new or the old length.
func (n *node) remains(keep func() bool) []byte {
	data := n.content()
	length := len(n.durable)
	if len(data) != length && keep() {
		length = len(data)
	}
	out := make([]byte, length)
	same := commonPrefix(n.durable, data) / sector * sector
	copy(out, n.durable[:same])
	for at := same; at < length; at += sector {
		from := n.durable
		if keep() {
			from = data
		}
		if at < len(from) {
			copy(out[at:min(at+sector, length)], from[at:])
		}
	}
	return out
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
