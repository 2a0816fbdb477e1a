package disk

import (
	"slices"
	"syscall"
)

// mapping is a part of a file that is mapped to memory.
type mapping struct {
	off int
	mem []byte
}

// content returns what is in a file now.
func (n *node) content() []byte {
	if len(n.maps) == 0 {
		return n.data
	}
	data := slices.Clone(n.data)
	for _, m := range n.maps {
		if m.off < len(data) {
			look(data[m.off:], m.mem)
		}
	}
	return data
}

// look copies memory that somebody may be writing to, as the system does.
//
//go:norace
func look(to, from []byte) {
	for i := range min(len(to), len(from)) {
		to[i] = from[i]
	}
}

type mappedFile struct{ *file }

func (f mappedFile) Map(off int64, n int) ([]byte, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	end := int(off) + n
	grow := max(0, end-len(f.node.data))
	if f.disk.limit > 0 && f.disk.used+grow > f.disk.limit {
		return nil, pathError("map", f.name, syscall.ENOSPC)
	}
	f.node.data = append(f.node.data, make([]byte, grow)...)
	if !f.node.nameless {
		f.disk.used += grow
	}
	m := &mapping{int(off), slices.Clone(f.node.data[off:end])}
	f.node.maps = append(f.node.maps, m)
	return m.mem, nil
}

func (f mappedFile) Unmap(mem []byte) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.maps = slices.DeleteFunc(f.node.maps, func(m *mapping) bool {
		if &m.mem[0] != &mem[0] {
			return false
		}
		if m.off < len(f.node.data) {
			look(f.node.data[m.off:], m.mem)
		}
		return true
	})
	return nil
}

func (f mappedFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.data = f.node.content()
	if cut := len(f.node.data) - int(size); cut > 0 {
		f.node.data = f.node.data[:size:size]
		if !f.node.nameless {
			f.disk.used -= cut
		}
	}
	return nil
}
