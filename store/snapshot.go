package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// Snapshot takes a snapshot of the whole store at one instant and returns once
// it is durable in the folder and has been read back. Others go on reading and
// writing meanwhile. If ctx ends first, or on any other error, the folder keeps
// the snapshot before.
//
// Errors: those of ctx and of the file system, [ErrClosed], and one that says
// so in a store without a folder.
func (s *Store[K, V]) Snapshot(ctx context.Context) error { return s.snapshot(ctx, true) }

// Sync returns once all changes accepted so far are durable in the folder: it
// syncs the journal, or without one takes a snapshot if anything has changed. In
// a store that is read-only it has the disk tried again. For errors see
// [Store.Snapshot].
func (s *Store[K, V]) Sync() error {
	if s.journal == nil {
		return s.snapshot(context.Background(), false)
	}
	if _, err := s.enter(); err != nil {
		return err
	}
	readOnly := s.readOnly != nil
	s.leave()
	if readOnly {
		return s.snapshot(context.Background(), true)
	}
	defer s.deliver()
	return s.syncJournal()
}

// syncSoon is what comes a while after a change that nobody waits for. An error
// makes the store read-only, which the log is told.
func (s *Store[K, V]) syncSoon() { _ = s.Sync() }

// saveIfChanged is the periodic snapshot.
func (s *Store[K, V]) saveIfChanged() {
	err := s.snapshot(context.Background(), false)
	if err != nil && !errors.Is(err, ErrClosed) {
		s.o.Logger.Error("latchkey: periodic snapshot failed; the one before is kept", "error", err)
	}
}

func (s *Store[K, V]) snapshot(ctx context.Context, always bool) error {
	if err := s.beginSaving(ctx); err != nil {
		return err
	}
	defer s.endSaving()
	if _, err := s.enter(); err != nil {
		return err
	}
	s.snapshotting = s.folder != nil && (always || s.changed != never)
	due := s.snapshotting
	s.unlock()
	switch {
	case s.folder == nil:
		return errNoDir
	case !due:
		return nil
	}
	return s.saveCut(ctx)
}

// beginSaving waits for the right to read the store as a whole, and to write to
// its folder; endSaving gives it back.
func (s *Store[K, V]) beginSaving(ctx context.Context) error {
	select {
	case s.saving <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
}

func (s *Store[K, V]) endSaving() {
	<-s.saving
	s.deliver()
}

// saveCut writes the store as it is now into the folder. If the journal is
// broken, it goes on from there.
func (s *Store[K, V]) saveCut(ctx context.Context) error {
	broken := false
	if s.journal != nil {
		var err error
		if broken, err = s.turn(); err != nil {
			return s.noteSave(nil, 0, err)
		}
	}
	c, wall := s.beginCut(broken)
	defer s.endCut()
	upTo, err := s.folder.Save(ctx, s.header(c, wall), func(w *persist.Writer) error {
		return s.writeCut(ctx, c, wall, w)
	})
	if err == nil && broken {
		err = s.goOn(c.seq)
	}
	return s.noteSave(c, upTo, err)
}

// noteSave notes how the taking of a snapshot went.
func (s *Store[K, V]) noteSave(c *cut[K, V], upTo uint64, err error) error {
	now := s.read()
	s.mu.Lock()
	defer s.unlock()
	s.seeLocked(now)
	s.snapshotting = false
	s.busy = true
	if err != nil {
		s.stats.SnapshotErrors++
		if s.changed != never {
			s.changed = s.latest // the next try is an interval from now
		}
		if s.readOnly != nil {
			s.retryWait = min(2*s.retryWait, lastRetry)
			s.retryDue = s.latest.after(s.retryWait)
		}
		if s.restarting {
			s.restarting = false
			if b := s.open; b != nil {
				s.open = nil
				b.err = s.readOnly
				close(b.done)
			}
		}
		return err
	}
	if s.changes == c.changes {
		s.changed = never
	} else {
		s.changed = c.now
	}
	s.saved, s.savedHits = c.start, c.hits
	s.maxFence = upTo
	s.stats.Snapshots++
	s.stats.LastSnapshot = s.time(c.now)
	s.stats.LastSnapshotTook = time.Duration(s.latest - c.now)
	return nil
}

func (s *Store[K, V]) header(c *cut[K, V], wall int64) persist.Header {
	return persist.Header{
		Contents: s.contents,
		Taken:    time.Unix(0, int64(c.now)+wall).UTC(),
		Fence:    c.fence,
		Capacity: c.capacity,
		Seq:      c.seq,
	}
}

func (s *Store[K, V]) writeCut(ctx context.Context, c *cut[K, V], wall int64, w *persist.Writer) error {
	return s.each(ctx, c, func(img *image[K, V]) error {
		r, err := s.snapshotRecord(img, wall)
		if err != nil {
			return err
		}
		return w.Write(&r)
	})
}

func (s *Store[K, V]) snapshotRecord(img *image[K, V], wall int64) (persist.Record, error) {
	v, data := img.v, img.data
	if data == nil {
		var err error
		if data, err = s.marshal(v.key, v.value); err != nil {
			return persist.Record{}, err
		}
	}
	r := persist.Record{
		Created:  int64(img.created) + wall,
		Updated:  int64(img.updated) + wall,
		Accessed: int64(img.accessed) + wall,
		Accesses: img.accesses,
		Revision: img.revision,
		Used:     img.used,
		Fence:    img.fence,
	}
	r.Key, r.Value = data.key, data.value
	if img.ttl != NoExpiry {
		r.TTL = onDisk(img.ttl)
		r.Expires = int64(v.expires) + wall
	}
	if img.until != never {
		r.LockedUntil = int64(img.until) + wall
	}
	return r, nil
}

// closeFolder takes the last snapshot, if there is anything new to save, and
// gives the folder back.
func (s *Store[K, V]) closeFolder() error {
	for s.busyWriting() {
		_ = s.waitAll() // those who have decided on it are told
	}
	s.mu.Lock()
	hits, _, _ := s.tallies.sum()
	unsaved := s.changed != never || s.position != s.saved || hits != s.savedHits
	fence := s.fence
	s.mu.Unlock()
	var err error
	if unsaved {
		err = s.saveCut(context.Background())
	}
	return errors.Join(err, s.folder.Close(fence))
}

// Export writes a snapshot of the whole store at one instant to w, in the
// format of the snapshots in a folder. Others go on reading and writing
// meanwhile, but snapshots and Close wait until it is done.
//
// Errors: those of w, [ErrClosed], and in a store without a folder the codec's
// on some key or value.
func (s *Store[K, V]) Export(w io.Writer) error {
	ctx := context.Background()
	if err := s.beginSaving(ctx); err != nil {
		return err
	}
	defer s.endSaving()
	if _, err := s.enter(); err != nil {
		return err
	}
	s.unlock()
	c, wall := s.beginCut(false)
	defer s.endCut()
	h := s.header(c, wall)
	h.Seq = 0 // of another journal
	sw, err := persist.NewWriter(w, h)
	if err != nil {
		return err
	}
	if err := s.writeCut(ctx, c, wall, sw); err != nil {
		return err
	}
	return sw.Close()
}
