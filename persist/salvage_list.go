package persist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// readList reads the manifest, and reports whether it can be relied on.
func (s *salvager) readList() bool {
	var err error
	if s.manifest, err = readManifest(s.fs, s.dir); err == nil {
		return true
	}
	s.manifest = manifest{}
	lost := s.out.Lost
	s.loses(manifestName, 0, s.size(manifestName), 0, err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrVersion) {
		return false
	}
	f, ok := newWreck(s.load(manifestName)).header(frameState)
	var m manifest
	if !ok || json.Unmarshal(f.payload, &m) != nil || m.check() != nil {
		return false
	}
	s.manifest, s.out.Lost = m, lost
	s.mended(manifestName, f)
	return true
}

// mended notes that a frame is good only because a bit of it was put right.
func (s *salvager) mended(name string, f afloat) {
	if f.mended {
		s.out.Mended = append(s.out.Mended, Place{name, int64(f.at)})
	}
}

// check makes sure of what holds for every manifest.
func (m manifest) check() error {
	if max(m.Fence, highest(m.Generations), highest(m.Segments)) > maxNumber || !rising(m.Generations) || !rising(m.Segments) {
		return fmt.Errorf("a fence of %d, generations %d, segments %d", m.Fence, m.Generations, m.Segments)
	}
	return nil
}

// load reads a file as far as it can be read.
func (s *salvager) load(name string) []byte {
	var data []byte
	err := s.readFile(name, func(in io.Reader) (err error) {
		data, err = io.ReadAll(in)
		return err
	})
	if err != nil {
		s.loses(name, int64(len(data)), s.size(name)-int64(len(data)), -1, err)
	}
	return data
}

// size returns the size of a file; 0 if there is none.
func (s *salvager) size(name string) int64 {
	info, err := s.fs.Stat(s.path(name))
	if err != nil {
		return 0
	}
	return info.Size()
}

// loses notes that a part of a file is lost, and why.
func (s *salvager) loses(file string, offset, bytes int64, records int, why error) {
	text := why.Error()
	if errors.Is(why, fs.ErrNotExist) {
		text = "it is missing"
	}
	s.out.Lost = append(s.out.Lost, Loss{Place{file, offset}, max(0, bytes), records, text})
}

// candidates are the files that may hold something, by number.
type candidates struct{ snapshots, segments []uint64 }

// names returns the files that count, or if that is not known all there are.
func (s *salvager) names() (c candidates, err error) {
	if s.listed {
		return candidates{s.manifest.Generations, s.manifest.Segments}, nil
	}
	if c.snapshots, err = s.found(snapshotName); err != nil {
		return c, err
	}
	c.segments, err = s.found(segmentName)
	return c, err
}

// survey finds out which store the folder is of, if the manifest does not tell, and
// what is in its files: those tell it whose header can be read.
func (s *salvager) survey(names candidates) {
	for _, n := range names.snapshots {
		var h Header
		s.peek(snapshotName(n), &h)
		s.told = append(s.told, origin{h.Store, h.Contents})
	}
	for _, n := range names.segments {
		var h segmentHeader
		s.peek(segmentName(n), &h)
		s.told = append(s.told, origin{h.Store, h.Contents})
	}
	if s.listed {
		return
	}
	votes := make(map[string]int)
	for _, o := range s.told {
		if votes[o.store]++; o.store != "" && votes[o.store] > votes[s.manifest.Store] {
			s.manifest.Store = o.store
		}
	}
}

// common returns what is in files that can't tell: what is in all others; nil if
// that is unknown.
func (s *salvager) common() *Contents {
	var found *Contents
	for _, o := range s.told {
		switch {
		case o.store != s.manifest.Store || o.contents.Codec == "":
		case found == nil:
			found = &o.contents
		case identify(*found, s.codec) != identify(o.contents, s.codec):
			return s.assumed
		}
	}
	if found == nil {
		return s.assumed
	}
	return found
}

// peek reads the header of a file into v, if it can be read.
func (s *salvager) peek(name string, v any) {
	const enough = preambleSize + frameSize + 1<<20
	var data []byte
	_ = s.readFile(name, func(in io.Reader) (err error) { // whoever reads all of it notes the error
		data, err = io.ReadAll(io.LimitReader(in, enough))
		return err
	})
	if f, ok := newWreck(data).header(frameHeader); ok {
		_ = json.Unmarshal(f.payload, v)
	}
}
