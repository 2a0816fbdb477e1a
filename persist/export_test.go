package persist

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
)

// OS is the operating system's file system.
var OS FS = osFS{}

// Kinds of files and types of frames.
const (
	KindSnapshot = kindSnapshot
	KindManifest = kindManifest
	FrameHeader  = frameHeader
	FrameRecord  = frameRecord
	FrameFooter  = frameFooter
	FrameState   = frameState
	FrameSize    = frameSize
	PreambleSize = preambleSize
	CanSyncDir   = canSyncDir
)

// A Frame is what stands in a frame.
type Frame struct {
	Type    byte
	Payload []byte
}

// Frames returns a file of the frames given, with good checksums.
func Frames(kind byte, frames ...Frame) []byte {
	var b bytes.Buffer
	fw := newFrameWriter(&b, kind)
	for _, f := range frames {
		if err := fw.frame(f.Type, func(b []byte) []byte { return append(b, f.Payload...) }); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// Footer returns the frame that closes a snapshot of the frames given.
func Footer(frames ...Frame) Frame {
	var b bytes.Buffer
	fw := newFrameWriter(&b, kindSnapshot)
	for _, f := range frames {
		_ = fw.frame(f.Type, func(b []byte) []byte { return append(b, f.Payload...) })
	}
	sum := hex.EncodeToString(fw.sum.Sum(nil))
	payload, err := json.Marshal(footer{Records: uint64(len(frames) - 1), SHA256: sum})
	if err != nil {
		panic(err)
	}
	return Frame{frameFooter, payload}
}

// Parse reads a record's payload.
func Parse(payload []byte) (Record, error) { return parseRecord(payload) }

// Append writes a record's payload.
func Append(b []byte, r Record) []byte { return r.append(b) }

// ReadManifest returns the fence and the generations in the manifest of a folder.
func ReadManifest(fsys FS, dir string) (fence uint64, generations []uint64, err error) {
	m, err := readManifest(fsys, dir)
	return m.Fence, m.Generations, err
}

// Types of a segment's frames.
const (
	KindSegment = kindSegment
	FrameBegin  = frameBegin
	FrameMark   = frameMark
	FrameSeal   = frameSeal
)

// Segment returns a segment of the frames given, with good checksums. The payloads
// are to have the number that they begin with. Frames are numbered from first on.
func Segment(store string, number, first uint64, contents Contents, frames ...Frame) []byte {
	w, err := newSegmentWriter(segmentHeader{Contents: contents, Store: store, Segment: number, Salt: 0x5a17})
	if err != nil {
		panic(err)
	}
	for i, f := range frames {
		b, start := beginFrame(w.buf, f.Type)
		w.buf = endFrame(append(b, f.Payload...), start, w.salt, first+uint64(i))
	}
	return w.buf
}

// ParseChange reads a change's payload, less the number it begins with.
func ParseChange(kind byte, payload []byte) (Change, error) {
	return parseChange(ChangeKind(kind), payload)
}

// AppendChange writes what ParseChange reads.
func AppendChange(b []byte, c Change) []byte { return c.append(b) }

// A FramePlace is where a frame stands in a file, and the key that it is about.
type FramePlace struct {
	Offset, Size int
	Type         byte
	Key          string
}

// FramesOf returns the frames of a good file.
func FramesOf(data []byte) (places []FramePlace) {
	segment := data[8] == kindSegment
	for at := preambleSize; at+frameSize <= len(data); {
		head := frameHead(data[at:])
		if head.seq() == 0 { // room that was set aside
			break
		}
		p := FramePlace{Offset: at, Size: frameSize + int(head.size()), Type: head.typ()}
		payload := data[at+frameSize : at+p.Size]
		if f, ok := parseFrame(&head, payload); ok && segment {
			if c, err := parseChange(ChangeKind(p.Type), f.payload); err == nil {
				p.Key = string(c.Key)
			}
		} else if p.Type == frameRecord {
			if r, err := parseRecord(payload); err == nil {
				p.Key = string(r.Key)
			}
		}
		places = append(places, p)
		at += p.Size
	}
	return places
}
