package persist

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Every file begins with a preamble that stays the same in all versions of the
// format, and goes on in frames. Numbers are little endian.
//
//	preamble                          frame
//	 0  8  "LATCHKEY"                  0  4  CRC-32C of the frame's rest
//	 8  1  kind of file                4  4  length n of the payload
//	 9  1  version of the format       8  8  sequence number, 1 for the first
//	10  2  zero                       16  1  type
//	12  4  CRC-32C of bytes 0 to 11   17  n  payload
const (
	magic        = "LATCHKEY"
	preambleSize = 16
	frameSize    = 17 // without the payload

	kindSnapshot = 'S'
	kindManifest = 'M'
	version      = 1

	frameHeader = 'H' // JSON: Header
	frameRecord = 'R' // Record
	frameFooter = 'F' // JSON: footer
	frameState  = 'M' // JSON: manifest

	// maxNumber is the highest fence and generation. No store comes near:
	// above it is damage, and what adds to one must not overflow.
	maxNumber = 1 << 62

	// MaxRecord is the most bytes that a key and its value may take
	// together when encoded.
	MaxRecord = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frameWriter writes a file of frames. Its first error stays.
type frameWriter struct {
	w   io.Writer
	sum hash.Hash // of all bytes written
	seq uint64
	buf []byte
	err error
}

func newFrameWriter(w io.Writer, kind byte) *frameWriter {
	fw := &frameWriter{w: w, sum: sha256.New()}
	p := append(make([]byte, 0, preambleSize), magic...)
	p = append(p, kind, version, 0, 0)
	fw.write(binary.LittleEndian.AppendUint32(p, crc32.Checksum(p, castagnoli)))
	return fw
}

// frame writes one frame whose payload fill appends.
func (fw *frameWriter) frame(typ byte, fill func([]byte) []byte) error {
	fw.seq++
	b := append(fw.buf[:0], make([]byte, frameSize)...)
	b[16] = typ
	b = fill(b)
	fw.buf = b
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-frameSize))
	binary.LittleEndian.PutUint64(b[8:], fw.seq)
	binary.LittleEndian.PutUint32(b[0:], crc32.Checksum(b[4:], castagnoli))
	fw.write(b)
	return fw.err
}

func (fw *frameWriter) write(b []byte) {
	if fw.err != nil {
		return
	}
	if _, fw.err = fw.w.Write(b); fw.err == nil {
		fw.sum.Write(b)
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
	head   [frameSize]byte
	body   bytes.Buffer
}

func newFrameReader(r io.Reader, name string, kind byte) (*frameReader, error) {
	fr := &frameReader{r: r, name: name, sum: sha256.New()}
	var p [preambleSize]byte
	if err := fr.read(p[:]); err != nil {
		return nil, err
	}
	fr.sum.Write(p[:])
	if string(p[:8]) != magic {
		return nil, corrupt(name, 0, "not a file of Latchkey, or its first bytes are damaged")
	}
	if binary.LittleEndian.Uint32(p[12:]) != crc32.Checksum(p[:12], castagnoli) {
		return nil, corrupt(name, 0, "the preamble does not match its checksum")
	}
	if p[8] != kind {
		return nil, corrupt(name, 8, "a file of kind %q where %q is due", p[8], kind)
	}
	if p[9] != version {
		return nil, fmt.Errorf("%w: %s is of version %d, this release reads version %d", ErrVersion, name, p[9], version)
	}
	return fr, nil
}

// next reads one frame. The payload is good until the next call.
func (fr *frameReader) next() (typ byte, payload []byte, err error) {
	fr.start = fr.offset
	if fr.seq > 0 {
		fr.sum.Write(fr.head[:])
		fr.sum.Write(fr.body.Bytes())
	}
	if err := fr.read(fr.head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(fr.head[4:])
	if n > MaxRecord+recordSize {
		return 0, nil, corrupt(fr.name, fr.start, "a frame that claims %d bytes", n)
	}
	// A damaged length must not make room for gigabytes that are not there:
	// the buffer grows as the bytes come.
	fr.body.Reset()
	if err := fr.copy(&fr.body, int64(n)); err != nil {
		return 0, nil, err
	}
	payload = fr.body.Bytes()
	sum := crc32.Update(crc32.Checksum(fr.head[4:], castagnoli), castagnoli, payload)
	if sum != binary.LittleEndian.Uint32(fr.head[0:]) {
		return 0, nil, corrupt(fr.name, fr.start, "a frame does not match its checksum")
	}
	fr.seq++
	if seq := binary.LittleEndian.Uint64(fr.head[8:]); seq != fr.seq {
		return 0, nil, corrupt(fr.name, fr.start, "frame %d where frame %d is due", seq, fr.seq)
	}
	return fr.head[16], payload, nil
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
		return fmt.Errorf("persist: reading %s: %w", fr.name, err)
	}
}

func (fr *frameReader) read(b []byte) error {
	n, err := io.ReadFull(fr.r, b)
	return fr.got(int64(n), err)
}

func (fr *frameReader) copy(to *bytes.Buffer, n int64) error {
	n, err := io.CopyN(to, fr.r, n)
	return fr.got(n, err)
}

func (fr *frameReader) got(n int64, err error) error {
	fr.offset += n
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return corrupt(fr.name, fr.start, "cut short at byte %d, or a damaged length", fr.offset)
	case err != nil:
		return fmt.Errorf("persist: reading %s: %w", fr.name, err)
	}
	return nil
}
