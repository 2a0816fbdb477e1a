package persist

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
)

// MaxRecord is the most bytes that a key and its value may take together when encoded.
const MaxRecord = 1 << 30

// Every file begins with a preamble that stays the same in all versions of the
// format, and goes on in frames. Numbers are little endian.
//
//	preamble                          frame
//	 0  8  "LATCHKEY"                  0  4  CRC-32C of the frame's rest
//	 8  1  kind of file                4  4  length n of the payload
//	 9  1  version of the format       8  8  sequence number
//	10  2  zero                       16  1  type
//	12  4  CRC-32C of bytes 0 to 11   17  n  payload
//
// In a snapshot and a manifest the first frame has number 1. In a segment of the
// journal the header has; what follows is numbered on from segment to segment,
// and its checksums start from the segment's salt, not from zero: bytes of other
// files and in users' values never look like frames of this one.
const (
	magic        = "LATCHKEY"
	preambleSize = 16
	frameSize    = 17 // without the payload

	kindSnapshot = 'S'
	kindManifest = 'M'
	kindSegment  = 'J'
	version      = 1

	frameHeader = 'H' // JSON: Header
	frameRecord = 'R' // Record
	frameFooter = 'F' // JSON: footer
	frameState  = 'M' // JSON: manifest

	// maxNumber is the highest fence, generation and sequence number. No store
	// comes near: above it is damage, and what adds to one must not overflow.
	maxNumber = 1 << 62

	maxPayload = MaxRecord + 84 // what is around them in a record is no larger
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendPreamble begins a file.
func appendPreamble(b []byte, kind byte) []byte {
	start := len(b)
	b = append(append(b, magic...), kind, version, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// beginFrame adds the fixed part of a frame; what is appended behind it, up to
// endFrame, is the payload.
func beginFrame(b []byte, typ byte) (with []byte, start int) {
	var head frameHead
	head[16] = typ
	return append(b, head[:]...), len(b)
}

// endFrame completes the frame that begins at start.
func endFrame(b []byte, start int, salt uint32, seq uint64) []byte {
	f := b[start:]
	binary.LittleEndian.PutUint32(f[4:], uint32(len(f)-frameSize))
	binary.LittleEndian.PutUint64(f[8:], seq)
	binary.LittleEndian.PutUint32(f, crc32.Update(salt, castagnoli, f[4:]))
	return b
}

// frameHead is the fixed part of a frame.
type frameHead [frameSize]byte

func (h *frameHead) size() uint32 { return binary.LittleEndian.Uint32(h[4:]) }
func (h *frameHead) seq() uint64  { return binary.LittleEndian.Uint64(h[8:]) }
func (h *frameHead) typ() byte    { return h[16] }

// sums reports whether the frame matches its checksum.
func (h *frameHead) sums(salt uint32, payload []byte) bool {
	sum := crc32.Update(crc32.Update(salt, castagnoli, h[4:]), castagnoli, payload)
	return sum == binary.LittleEndian.Uint32(h[:])
}

// frameWriter writes a file of frames. Its first error stays.
type frameWriter struct {
	w    io.Writer
	sum  hash.Hash // of all bytes written
	size int64     // likewise
	seq  uint64
	buf  []byte
	err  error
}

func newFrameWriter(w io.Writer, kind byte) *frameWriter {
	fw := &frameWriter{w: w, sum: sha256.New()}
	fw.write(appendPreamble(nil, kind))
	return fw
}

// frame writes one frame whose payload fill appends.
func (fw *frameWriter) frame(typ byte, fill func([]byte) []byte) error {
	fw.seq++
	b, start := beginFrame(fw.buf[:0], typ)
	fw.buf = endFrame(fill(b), start, 0, fw.seq)
	fw.write(fw.buf)
	return fw.err
}

func (fw *frameWriter) write(b []byte) {
	if fw.err != nil {
		return
	}
	if _, fw.err = fw.w.Write(b); fw.err == nil {
		fw.sum.Write(b)
		fw.size += int64(len(b))
	}
}

// frameReader reads what frameWriter wrote and accepts nothing else.
type frameReader struct {
	r      io.Reader
	name   string    // of the file, for errors
	sum    hash.Hash // of all before the frame in head and body
	seq    uint64
	offset int64 // of what is read next
	start  int64 // of the preamble or frame that is being read
	head   frameHead
	body   []byte
}

func newFrameReader(r io.Reader, name string, kind byte) (*frameReader, error) {
	fr := &frameReader{r: r, name: name, sum: sha256.New()}
	var p [preambleSize]byte
	if err := fr.read(p[:]); err != nil {
		return nil, err
	}
	fr.sum.Write(p[:])
	return fr, checkPreamble(p, name, kind)
}

func checkPreamble(p [preambleSize]byte, name string, kind byte) error {
	switch {
	case string(p[:8]) != magic:
		return corrupt(name, 0, "not a file of Latchkey, or its first bytes are damaged")
	case binary.LittleEndian.Uint32(p[12:]) != crc32.Checksum(p[:12], castagnoli):
		return corrupt(name, 0, "the preamble does not match its checksum")
	case p[8] != kind:
		return corrupt(name, 8, "a file of kind %q where %q is due", p[8], kind)
	case p[9] != version:
		return fmt.Errorf("%w: %s is of version %d, this release reads version %d", ErrVersion, name, p[9], version)
	}
	return nil
}

// next reads one frame. The payload is good until the next call.
func (fr *frameReader) next() (typ byte, payload []byte, err error) {
	fr.start = fr.offset
	if fr.seq > 0 {
		fr.sum.Write(fr.head[:])
		fr.sum.Write(fr.body)
	}
	if err := fr.read(fr.head[:]); err != nil {
		return 0, nil, err
	}
	n := fr.head.size()
	if n > maxPayload {
		return 0, nil, corrupt(fr.name, fr.start, "a frame that claims %d bytes", n)
	}
	m, err := readBody(fr.r, &fr.body, int(n))
	if err := fr.got(int64(m), err); err != nil {
		return 0, nil, err
	}
	payload = fr.body
	if !fr.head.sums(0, payload) {
		return 0, nil, corrupt(fr.name, fr.start, "a frame does not match its checksum")
	}
	fr.seq++
	if seq := fr.head.seq(); seq != fr.seq {
		return 0, nil, corrupt(fr.name, fr.start, "frame %d where frame %d is due", seq, fr.seq)
	}
	return fr.head.typ(), payload, nil
}

// expect reads one frame that must be of the type given.
func (fr *frameReader) expect(want byte) ([]byte, error) {
	typ, payload, err := fr.next()
	if err != nil {
		return nil, err
	}
	if typ != want {
		return nil, corrupt(fr.name, fr.start, "a frame of type %q where %q is due", typ, want)
	}
	return payload, nil
}

// end makes sure that nothing follows.
func (fr *frameReader) end() error {
	switch n, err := io.ReadFull(fr.r, fr.head[:1]); {
	case n > 0:
		return corrupt(fr.name, fr.offset, "bytes after the end")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return within(err, "reading %s", fr.name)
	}
}

func (fr *frameReader) read(b []byte) error {
	n, err := io.ReadFull(fr.r, b)
	return fr.got(int64(n), err)
}

// readBody reads n bytes into body, whose room is used again, and returns how many
// there were. A damaged length must not make room for gigabytes that are not
// there: it grows as the bytes come.
func readBody(r io.Reader, body *[]byte, n int) (got int, err error) {
	const atOnce = 1 << 16
	b := (*body)[:0]
	for got < n && err == nil {
		step := min(n-got, max(atOnce, got))
		b = slices.Grow(b, step)
		var m int
		m, err = io.ReadFull(r, b[got:got+step])
		got += m
		b = b[:got]
	}
	*body = b
	return got, err
}

func (fr *frameReader) got(n int64, err error) error {
	fr.offset += n
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return corrupt(fr.name, fr.start, "cut short at byte %d, or a damaged length", fr.offset)
	case err != nil:
		return within(err, "reading %s", fr.name)
	}
	return nil
}
