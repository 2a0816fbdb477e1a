package persist

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The journal is a row of segments, files that are written to at their ends
// alone. Behind the preamble and a frame with the header, every frame's payload
// begins with a number: how far behind the frame's own sequence number that is up
// to which, when the frame was written, all was known to be durable.
//
// That tells a torn end from damage. What a crash of the machine may leave out is
// what was not durable yet; so what a later frame vouches for, and isn't there,
// was destroyed.
//
// The first of these frames says behind which change the segment goes on. What
// earlier segments hold beyond that does not count: it was torn, or refused.
const (
	frameBegin = 'B' // the sequence number of the change before
	frameMark  = 'K' // nothing
	frameSeal  = 'E' // the end: how many frames there are, and a CRC-32C of all bytes before
)

// segmentHeader tells what a segment holds.
type segmentHeader struct {
	Contents
	Store   string `json:"store"`
	Segment uint64 `json:"segment"` // as in its name
	Salt    uint32 `json:"salt"`    // where checksums start
}

// segment is a segment that is open to be written.
type segment struct {
	number  uint64
	name    string
	file    File
	w       *segmentWriter
	size    int64    // written
	windows *windows // nil = by calls of Write
}

func (s *segment) write(b []byte) error {
	var err error
	if s.windows != nil {
		err = s.windows.write(b)
	} else {
		_, err = s.file.Write(b)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.size += int64(len(b))
	return nil
}

// through has what is written from now on go through memory.
func (s *segment) through(file MappedFile) (err error) {
	s.windows, err = newWindows(file, int(s.size))
	return err
}

// finish makes a sealed segment durable and closes it.
func (s *segment) finish() error {
	if w := s.windows; w != nil {
		s.windows = nil
		if err := errors.Join(w.close(), w.file.Truncate(s.size)); err != nil {
			s.drop()
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := joinClose(s.file.Sync(), s.file); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// drop closes a segment that is given up.
func (s *segment) drop() {
	if s.windows != nil {
		_ = s.windows.close()
	}
	_ = s.file.Close()
}

// segmentWriter writes a segment into a buffer, to be written out by its owner.
type segmentWriter struct {
	salt   uint32
	frames uint64
	sum    uint32 // of all that has left the buffer
	buf    []byte
}

func newSegmentWriter(h segmentHeader) (*segmentWriter, error) {
	header, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	b, start := beginFrame(appendPreamble(nil, kindSegment), frameHeader)
	b = endFrame(append(b, header...), start, 0, 1)
	return &segmentWriter{salt: h.Salt, buf: b}, nil
}

// begin adds a frame, up to end, with its number and that of the last that is
// durable.
func (w *segmentWriter) begin(typ byte, seq, durable uint64) (start int) {
	w.frames++
	w.buf, start = beginFrame(w.buf, typ)
	w.buf = binary.AppendUvarint(w.buf, seq-durable)
	return start
}

func (w *segmentWriter) end(start int, seq uint64) { w.buf = endFrame(w.buf, start, w.salt, seq) }

func (w *segmentWriter) change(c *Change, seq, durable uint64) {
	start := w.begin(byte(c.Kind), seq, durable)
	w.buf = c.append(w.buf)
	w.end(start, seq)
}

// goOn adds the first frame.
func (w *segmentWriter) goOn(seq, durable, after uint64) {
	start := w.begin(frameBegin, seq, durable)
	w.buf = binary.AppendUvarint(w.buf, after)
	w.end(start, seq)
}

// mark adds a frame that says nothing but what is durable.
func (w *segmentWriter) mark(seq, durable uint64) {
	w.end(w.begin(frameMark, seq, durable), seq)
}

// seal adds the last frame.
func (w *segmentWriter) seal(seq, durable uint64) {
	sum := crc32.Update(w.sum, castagnoli, w.buf)
	start := w.begin(frameSeal, seq, durable)
	w.buf = binary.AppendUvarint(w.buf, w.frames)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, sum)
	w.end(start, seq)
}

// take hands out what is in the buffer. It is good until the next frame.
func (w *segmentWriter) take() []byte {
	b := w.buf
	w.sum = crc32.Update(w.sum, castagnoli, b)
	w.buf = w.buf[:0]
	if cap(w.buf) > 1<<20 { // one large value, or many writers at once
		w.buf = nil
	}
	return b
}

// segmentReader reads a segment frame by frame.
type segmentReader struct {
	in     *bufio.Reader
	name   string
	header segmentHeader
	offset int64 // of what is read next
	start  int64 // of the frame that is being read
	frames uint64
	sum    uint32 // of all before the frame that is being read
	sealed bool
	body   []byte // of the frame that was read last
}

// segmentFrame is a frame of a segment.
type segmentFrame struct {
	typ     byte
	seq     uint64
	durable uint64 // known to be durable when it was written
	payload []byte // less the number it begins with
}

// badFrame says that what is read is no frame.
type badFrame struct {
	why  string
	rest []byte // of the file, from there on
}

func (e *badFrame) Error() string { return e.why }

// newSegmentReader begins to read a segment. Errors are ErrCorrupt, ErrVersion,
// and those of r.
func newSegmentReader(r io.Reader, name string) (*segmentReader, error) {
	sr := &segmentReader{in: bufio.NewReaderSize(r, bufferSize), name: name}
	fr, err := newFrameReader(sr.in, name, kindSegment)
	if err != nil {
		return nil, err
	}
	if err := readJSON(fr, frameHeader, &sr.header); err != nil {
		return nil, err
	}
	sr.offset = fr.offset
	sr.sum = crc32.Checksum(appendPreamble(nil, kindSegment), castagnoli)
	sr.add(&fr.head, fr.body)
	return sr, nil
}

// next reads a frame, which is good until the next call. io.EOF is the end of the file where one may end; what is no
// frame is a badFrame.
func (r *segmentReader) next() (f segmentFrame, err error) {
	r.start = r.offset
	var head frameHead
	n, err := io.ReadFull(r.in, head[:])
	r.offset += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		return f, io.EOF
	case (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && allZero(head[:n]):
		return f, r.zeros(n)
	case errors.Is(err, io.ErrUnexpectedEOF) && !r.sealed:
		return f, r.bad("cut short", head[:n])
	case r.sealed && n > 0:
		return f, corrupt(r.name, r.start, "bytes after the seal")
	case err != nil:
		return f, r.failed(err)
	case head.size() > maxPayload:
		return f, r.bad("a frame that claims too much", head[:n])
	}
	m, err := readBody(r.in, &r.body, int(head.size()))
	r.offset += int64(m)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f, r.bad("cut short, or a damaged length", head[:], r.body)
	case err != nil:
		return f, r.failed(err)
	case !head.sums(r.header.Salt, r.body):
		return f, r.bad("a frame does not match its checksum", head[:], r.body)
	}
	f, ok := parseFrame(&head, r.body)
	if !ok {
		return f, r.bad("a frame that is not one", head[:], r.body)
	}
	if f.typ == frameSeal {
		if err := r.checkSeal(f.payload); err != nil {
			return f, err
		}
		r.sealed = true
	}
	r.frames++
	r.add(&head, r.body)
	return f, nil
}

// zeros reads the rest of a file that goes on in n zeros. Zeros to its end are
// room that was set aside.
func (r *segmentReader) zeros(n int) error {
	rest, err := io.ReadAll(r.in)
	switch {
	case err != nil:
		return r.failed(err)
	case allZero(rest):
		return io.EOF
	case r.sealed:
		return corrupt(r.name, r.start, "bytes after the seal")
	}
	return &badFrame{"zeros where a frame is due", append(make([]byte, n), rest...)}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// parseFrame takes the number off a payload.
func parseFrame(head *frameHead, payload []byte) (segmentFrame, bool) {
	p := parser{rest: payload}
	behind := p.varint()
	f := segmentFrame{typ: head.typ(), seq: head.seq(), payload: p.rest}
	if p.bad || behind == 0 || behind > f.seq || f.seq > maxNumber {
		return f, false
	}
	f.durable = f.seq - behind
	return f, true
}

// begin reads the first frame and returns the number of the change behind which
// the segment goes on.
func (r *segmentReader) begin() (f segmentFrame, after uint64, err error) {
	f, err = r.next()
	if err != nil {
		return f, 0, err
	}
	p := parser{rest: f.payload}
	after = p.varint()
	if f.typ != frameBegin || p.bad || len(p.rest) > 0 || after >= f.seq {
		return f, 0, corrupt(r.name, r.start, "a segment that does not begin as one")
	}
	return f, after, nil
}

func (r *segmentReader) checkSeal(payload []byte) error {
	p := parser{rest: payload}
	frames := p.varint()
	sum := p.bytes(4)
	if p.bad || len(p.rest) > 0 || frames != r.frames+1 || binary.LittleEndian.Uint32(sum) != r.sum {
		return corrupt(r.name, r.start, "the segment does not match its seal")
	}
	return nil
}

func (r *segmentReader) add(head *frameHead, payload []byte) {
	r.sum = crc32.Update(crc32.Update(r.sum, castagnoli, head[:]), castagnoli, payload)
}

func (r *segmentReader) failed(err error) error {
	return within(err, "reading %s", r.name)
}

// bad reads the rest of the file too, behind what has been read of the frame.
func (r *segmentReader) bad(why string, read ...[]byte) error {
	rest, err := io.ReadAll(r.in)
	if err != nil {
		return r.failed(err)
	}
	return &badFrame{why, append(bytes.Join(read, nil), rest...)}
}

// lastDurable looks for frames in rest, which begins with bytes that are no frame.
// It returns the highest sequence number that they say was durable when they were
// written, and the number of the first of them; 0, 0 if there are none. due is the
// number that the frame in the beginning would have; 0 = unknown.
func (r *segmentReader) lastDurable(rest []byte, due uint64) (durable, first uint64) {
	budget := 1000 * int64(len(rest)) // against input made to take for ever
	for i := 1; i+frameSize <= len(rest); i++ {
		head := frameHead(rest[i : i+frameSize])
		size, seq := int64(head.size()), head.seq()
		if seq > maxNumber || size > int64(len(rest)-i-frameSize) || due != 0 && (seq <= due || seq-due > uint64(i)) {
			continue
		}
		if budget -= size; budget < 0 {
			return maxNumber, due // better a false alarm than a loss nobody hears of
		}
		payload := rest[i+frameSize:][:size]
		if !head.sums(r.header.Salt, payload) {
			continue
		}
		if f, ok := parseFrame(&head, payload); ok {
			durable = max(durable, f.durable)
			if first == 0 {
				first = f.seq
			}
		}
	}
	return durable, first
}

// allDurable reads a segment to its end, or to where it can't be read. It returns
// the highest sequence number that frames say was durable when they were written.
func (r *segmentReader) allDurable() (durable uint64, err error) {
	for {
		f, err := r.next()
		bad := (*badFrame)(nil)
		switch {
		case errors.As(err, &bad):
			later, _ := r.lastDurable(bad.rest, 0)
			return max(durable, later), nil
		case errors.Is(err, io.EOF), errors.Is(err, ErrCorrupt):
			return durable, nil
		case err != nil:
			return 0, err
		}
		durable = max(durable, f.durable)
	}
}
