package persist

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Header tells what a snapshot holds.
type Header struct {
	Contents
	Store      string    `json:"store"`      // id of the folder; "" in an export
	Generation uint64    `json:"generation"` // 0 in an export
	Taken      time.Time `json:"taken"`
	Fence      uint64    `json:"fence"`              // the newest fence handed out
	Capacity   uint64    `json:"capacity,omitempty"` // of the store then
	// Seq is the number of the last of the journal's changes that is in the
	// snapshot, and Segment the first segment that can have others, be it
	// there by now or not.
	Seq     uint64 `json:"seq,omitempty"`
	Segment uint64 `json:"segment,omitempty"`
}

// footer closes a snapshot: without it, the file was cut short.
type footer struct {
	Records uint64 `json:"records"`
	SHA256  string `json:"sha256"` // of every byte before this frame, in hex
}

// Writer writes a snapshot: a preamble, a header, records in any order, and a
// footer with their count and a hash of it all.
type Writer struct {
	out    *bufio.Writer
	frames *frameWriter
	count  uint64
}

// NewWriter begins a snapshot on w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	sw := &Writer{out: bufio.NewWriterSize(w, bufferSize)}
	sw.frames = newFrameWriter(sw.out, kindSnapshot)
	return sw, writeJSON(sw.frames, frameHeader, h)
}

// Write adds one record. It does not keep it.
func (w *Writer) Write(r *Record) error {
	if len(r.Key)+len(r.Value) > MaxRecord {
		return fmt.Errorf("persist: an entry of %d bytes; the most is %d", len(r.Key)+len(r.Value), MaxRecord)
	}
	w.count++
	return w.frames.frame(frameRecord, r.append)
}

// Close ends the snapshot. It does not close the writer under it.
func (w *Writer) Close() error {
	sum := hex.EncodeToString(w.frames.sum.Sum(nil))
	if err := writeJSON(w.frames, frameFooter, footer{Records: w.count, SHA256: sum}); err != nil {
		return err
	}
	return w.out.Flush()
}

// Reader reads a snapshot and accepts nothing that a Writer did not write.
type Reader struct {
	frames *frameReader
	header Header
	count  uint64
}

// NewReader begins to read a snapshot from r. The name stands in errors.
// Errors are [ErrCorrupt], [ErrVersion], and those of r.
func NewReader(r io.Reader, name string) (*Reader, error) {
	frames, err := newFrameReader(bufio.NewReaderSize(r, bufferSize), name, kindSnapshot)
	if err != nil {
		return nil, err
	}
	sr := &Reader{frames: frames}
	if err := readJSON(frames, frameHeader, &sr.header); err != nil {
		return nil, err
	}
	if h := sr.header; max(h.Fence, h.Generation, h.Seq, h.Segment) > maxNumber {
		return nil, corrupt(name, frames.start, "a fence of %d, a generation of %d, record %d, segment %d", h.Fence, h.Generation, h.Seq, h.Segment)
	}
	return sr, nil
}

// Header returns what the snapshot says of itself.
func (r *Reader) Header() Header { return r.header }

// Next returns the next record; its Key and Value are good until the next
// call. After the last one, and only if the footer vouches for all that was
// read and nothing follows it, the error is io.EOF. Records read before an
// [ErrCorrupt] are good each for itself, but not all that there was.
func (r *Reader) Next() (Record, error) {
	typ, payload, err := r.frames.next()
	if err != nil {
		return Record{}, err
	}
	switch typ {
	case frameRecord:
		rec, err := parseRecord(payload)
		if err != nil {
			return Record{}, corrupt(r.frames.name, r.frames.start, "%v", err)
		}
		r.count++
		return rec, nil
	case frameFooter:
		return Record{}, r.finish(payload)
	default:
		return Record{}, corrupt(r.frames.name, r.frames.start, "a frame of unknown type %q", typ)
	}
}

func (r *Reader) finish(payload []byte) error {
	var f footer
	if err := json.Unmarshal(payload, &f); err != nil {
		return corrupt(r.frames.name, r.frames.start, "the footer is not one: %v", err)
	}
	if f.Records != r.count {
		return corrupt(r.frames.name, r.frames.start, "%d records where the footer counts %d", r.count, f.Records)
	}
	if sum := hex.EncodeToString(r.frames.sum.Sum(nil)); f.SHA256 != sum {
		return corrupt(r.frames.name, r.frames.start, "the file does not match its hash")
	}
	if err := r.frames.end(); err != nil {
		return err
	}
	return io.EOF
}

func writeJSON(fw *frameWriter, typ byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return fw.frame(typ, func(to []byte) []byte { return append(to, b...) })
}

func readJSON(fr *frameReader, typ byte, v any) error {
	payload, err := fr.expect(typ)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return corrupt(fr.name, fr.start, "%v", err)
	}
	return nil
}
