package persist

import (
	"bytes"
	"hash/crc32"
)

// wreck is a damaged file, in which frames are looked for.
type wreck struct {
	data   []byte
	salt   uint32
	pos    int    // of what is looked at next
	last   uint64 // number of the last frame found; 0 = none
	budget int    // bytes that may still be summed: against input made to take for ever
}

// afloat is a frame found in a wreck.
type afloat struct {
	frameHead
	payload []byte
	at, end int
	mended  bool
}

func newWreck(data []byte) *wreck {
	return &wreck{data: data, pos: min(preambleSize, len(data)), budget: 1<<24 + 100*len(data)}
}

// at returns the frame at i, if there is one.
func (w *wreck) at(i int) (f afloat, ok bool) {
	if i+frameSize > len(w.data) {
		return f, false
	}
	f = afloat{frameHead: frameHead(w.data[i:]), at: i}
	if int64(f.size()) > int64(len(w.data)-i-frameSize) || f.seq() <= w.last || f.seq() > maxNumber {
		return f, false
	}
	f.end = i + frameSize + int(f.size())
	f.payload = w.data[i+frameSize : f.end : f.end]
	w.budget -= len(f.payload)
	return f, f.sums(w.salt, f.payload)
}

// next returns the next frame that can be read, and how many bytes in front of it
// can't. At the end ok is false, and skipped the bytes that are left.
func (w *wreck) next() (f afloat, skipped int, ok bool) {
	from := w.pos
	f, ok = w.at(from)
	if !ok {
		f, ok = w.mend(from)
	}
	for i := from + 1; !ok && i+frameSize <= len(w.data) && w.budget > 0; i++ {
		if w.likely(i, from) {
			f, ok = w.at(i)
		}
	}
	if !ok {
		w.pos = len(w.data)
		return afloat{}, len(bytes.TrimRight(w.data[from:], "\x00")), false
	}
	w.pos, w.last = f.end, f.seq()
	return f, f.at - from, true
}

// likely reports whether the number of what may be a frame at i fits to the one
// before, which ended at from: each frame between takes some room.
func (w *wreck) likely(i, from int) bool {
	head := frameHead(w.data[i:])
	return w.last == 0 || head.seq() > w.last && head.seq()-w.last-1 <= uint64((i-from)/frameSize)
}

// header returns the frame that every file has first, of the type given.
func (w *wreck) header(typ byte) (f afloat, ok bool) {
	f, ok = w.at(preambleSize)
	if !ok {
		f, ok = w.mend(preambleSize)
	}
	if !ok || f.typ() != typ || f.seq() != 1 {
		return afloat{}, false
	}
	w.pos, w.last = f.end, 1
	return f, true
}

// maxMended is the largest frame that is mended: the time it takes grows with the
// square.
const maxMended = 1 << 13

// mend returns the frame at i, which is due there, with the one bit flipped back
// that makes it match its checksum. In frames of this size, damage to two bits is
// never taken for damage to one, and more of it hardly ever.
func (w *wreck) mend(i int) (f afloat, ok bool) {
	if i+frameSize > len(w.data) || w.budget < 0 {
		return f, false
	}
	b := bytes.Clone(w.data[i:min(len(w.data), i+maxMended)])
	whole := wreck{data: b, salt: w.salt}
	head := frameHead(b)
	bits := 8 * (frameSize + min(int(min(head.size(), maxMended)), len(b)-frameSize))
	for bit := range bits {
		b[bit/8] ^= 1 << (bit % 8)
		if f, ok = whole.at(0); ok && (w.last == 0 || f.seq() == w.last+1) {
			f.at, f.end, f.mended = i, i+f.end, true
			return f, true
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	w.budget += whole.budget / 1024 // which is less than 0; so much of it is spared
	return f, false
}

// findSalt finds out where the checksums of a segment start whose header is lost:
// any frame tells, and the one behind it proves it. It leaves w in front of the
// first.
func (w *wreck) findSalt() bool {
	for i := w.pos; i+frameSize <= len(w.data) && w.budget > 0; i++ {
		head := frameHead(w.data[i:])
		size := int64(head.size())
		if size == 0 || size > int64(len(w.data)-i-2*frameSize) || head.seq() == 0 || head.seq() > maxNumber {
			continue
		}
		end := i + frameSize + int(size)
		if after := frameHead(w.data[end:]); after.seq() != head.seq()+1 {
			continue
		}
		w.budget -= int(size)
		w.salt = saltOf(&head, w.data[i+frameSize:end])
		if _, ok := w.at(end); ok {
			w.pos = i
			return true
		}
	}
	return false
}

// saltOf returns the salt with which a frame matches its checksum: each byte that
// the checksum has taken in is taken out again.
func saltOf(head *frameHead, payload []byte) uint32 {
	b := append(bytes.Clone(head[4:]), payload...)
	sum := ^(uint32(head[0]) | uint32(head[1])<<8 | uint32(head[2])<<16 | uint32(head[3])<<24)
	for i := len(b) - 1; i >= 0; i-- {
		n := backwards[sum>>24]
		sum = (sum^castagnoli[n])<<8 | uint32(n^b[i])
	}
	return ^sum
}

// backwards has, by the highest byte of an entry of castagnoli, its place there.
var backwards = func() (table [256]byte) {
	for i, entry := range crc32.MakeTable(crc32.Castagnoli) {
		table[entry>>24] = byte(i)
	}
	return table
}()
