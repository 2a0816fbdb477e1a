package persist

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
)

// Journal returns the folder's journal, which Start has begun.
func (f *Folder) Journal() *Journal { return &f.journal }

// Prepare makes a new segment for the journal, durable and listed, so that
// Exchange or Restart can be quick. If there is one already, that is it.
func (f *Folder) Prepare() error {
	err := f.held()
	if err == nil {
		err = f.prepare(f.manifest)
	}
	if err != nil {
		return inFolder(err, "making a segment in folder %s", f.dir)
	}
	return nil
}

// prepare makes sure that there is a segment to go on in, and has m, with it,
// replace the manifest.
func (f *Folder) prepare(m manifest) error {
	if f.next == nil {
		f.segment++ // also after an error: a file that failed is never used again
		next, err := f.newSegment(f.segment)
		if err != nil {
			return err
		}
		f.next, f.listed = next, false
	}
	if f.listed {
		return nil
	}
	m.Segments = append(slices.Clone(m.Segments), f.next.number)
	err := f.replace(m)
	f.listed = err == nil
	return err
}

func (f *Folder) takeNext() *segment {
	next := f.next
	f.next = nil
	return next
}

func (f *Folder) newSegment(number uint64) (*segment, error) {
	s := &segment{number: number, name: segmentName(number)}
	w, err := newSegmentWriter(segmentHeader{
		Contents: f.contents, Store: f.manifest.Store, Segment: number, Salt: newSalt(),
	})
	if err != nil {
		return nil, err
	}
	s.w = w
	s.file, err = f.fs.Create(f.path(s.name))
	if err != nil {
		return nil, err
	}
	err = s.write(w.take())
	if err == nil {
		err = s.file.Sync()
	}
	if err == nil {
		err = f.fs.SyncDir(f.dir)
	}
	if err == nil {
		err = f.direct(s)
	}
	if err != nil {
		s.drop()
		return nil, errors.Join(err, f.fs.Remove(f.path(s.name)))
	}
	return s, nil
}

// direct has a segment written through memory if nobody waits for each write to
// be durable, and the system can do that.
func (f *Folder) direct(s *segment) error {
	file, ok := s.file.(MappedFile)
	if !ok || f.sync != EverySecond {
		return nil
	}
	err := s.through(file)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// newSalt returns where the checksums of a segment start.
func newSalt() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

// Exchange has the journal go on in the segment that is prepared. Nobody may add
// to it meanwhile.
func (f *Folder) Exchange() error {
	return f.journal.exchange(f.takeNext())
}

// Restart has the journal go on in the segment that is prepared, after an error
// or a snapshot of other content: behind the change with the number given, up to
// which all is in a snapshot. Nobody may add to it meanwhile.
func (f *Folder) Restart(after uint64) error { return f.journal.goOn(f.takeNext(), after) }

// coming returns the first segment that can have records which a snapshot taken
// now does not have.
func (f *Folder) coming() uint64 {
	switch {
	case f.next != nil:
		return f.next.number
	case f.writes:
		return f.journal.segment.number
	}
	return f.segment + 1
}
