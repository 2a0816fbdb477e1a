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
