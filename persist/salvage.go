package persist

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Salvaged is what [Salvage] has saved.
type Salvaged struct {
	// Groups has the entries, those of one file each, the largest first. There
	// is none if nothing tells what the entries are: see Salvage.
	Groups   []Group
	Fence    uint64    // above every fence ever handed out
	Capacity uint64    // of the store, when it was last written; 0 = unknown
	Taken    time.Time // the newest snapshot that was used

	// Complete: for sure, the entries are those that there were last, as a store
	// would find them or would have. What is lost is told elsewhere too.
	Complete bool
	Lost     []Loss
	Mended   []Place // frames of which one flipped bit was put right
	// Guessed is how many changes were made, or passed over, though what they
	// build on is lost.
	Guessed int
}

// Place is a place in a file.
type Place struct {
	File   string
	Offset int64 // in bytes
}

// Loss is a part of a folder that could not be read.
type Loss struct {
	Place
	Bytes int64
	// Records is how many entries or changes are lost with it; -1 = unknown.
	Records int
	Why     string
}

// Salvage reads what can be read in the folder of a store, however damaged. It
// takes the newest whole snapshot, or else what is left of all, and makes the
// changes that are left of the journal. Where a part is lost, the entries can be
// older than they were, and deleted ones can be there again. The folder stays as
// it is; Create makes a new one of what was saved.
//
// c.Codec and c.Schema, if both are set, stand in for what is in a file that can't
// tell itself, where others don't tell either. If the codec is one of Encrypt that
// has the key, keys are told apart by what is sealed: else an entry that was set
// anew may come twice.
//
// Errors: [ErrNoStore], [ErrInUse], and those of the file system when the folder
// can't be read at all. Damage and files that can't be read are no errors, but in
// Salvaged.
func Salvage(c Config, log *slog.Logger) (*Salvaged, error) {
	f, err := lockExisting(c, log)
	if err != nil {
		return nil, err
	}
	s := salvager{Folder: f, codec: c.Codec, keys: make(map[string][]byte), older: make(map[string]bool)}
	if c.Codec != nil && c.Schema != "" {
		s.assumed = &Contents{Codec: c.Codec.ID(), Schema: c.Schema}
	}
	if err = s.run(); err != nil {
		err = inFolder(err, "salvaging folder %s", f.dir)
	}
	if err = errors.Join(err, f.lock.Close()); err != nil {
		return nil, err
	}
	return &s.out, nil
}

// salvager is the reading of a damaged folder.
type salvager struct {
	*Folder
	codec   Codec
	assumed *Contents         // what is in files when none tells; nil = unknown
	told    []origin          // of all files that tell
	keys    map[string][]byte // one way of sealing each key, by what is sealed
	older   map[string]bool   // keys of entries that a newer snapshot may not have had
	listed  bool              // the manifest is good
	blind   bool              // there was a newer snapshot, and nothing is left of it
	state   state
	taken   time.Time
	out     Salvaged
}

// origin is what a file tells of itself.
type origin struct {
	store    string
	contents Contents
}

func (s *salvager) run() error {
	if s.listed = s.readList(); s.listed {
		list := s.manifest // Restore leaves out what is damaged
		rec, err := s.restoreWhole()
		if err == nil && rec.Torn == 0 { // behind what is torn there may be more
			s.take(rec)
			return nil
		}
		s.manifest = list
	}
	names, err := s.names()
	if err != nil {
		return err
	}
	s.survey(names)
	snaps := s.snapshots(names.snapshots)
	if len(snaps) > 0 && snaps[0].whole {
		names.segments = without(names.segments, below(names.segments, snaps[0].header.Segment))
	}
	s.merge(snaps, s.segments(names.segments))
	s.finish()
	return nil
}

// below returns those numbers that are less than n.
func below(numbers []uint64, n uint64) []uint64 {
	i, _ := slices.BinarySearch(numbers, n)
	return numbers[:i]
}

// take has what a store would find.
func (s *salvager) take(rec *Recovered) {
	s.out.Complete, s.out.Groups = true, group(rec.Records, s.codec)
	s.out.Fence, s.out.Capacity, s.out.Taken = max(s.manifest.Fence, rec.Fence), rec.Capacity, rec.Taken
	if len(s.out.Groups) == 0 && rec.Contents.Codec != "" {
		s.out.Groups = []Group{{Contents: rec.Contents}}
	}
}

// finish puts together what was merged.
func (s *salvager) finish() {
	s.out.Groups = group(s.state.records, s.codec)
	for i := range s.out.Groups {
		s.setApart(&s.out.Groups[i])
	}
	if c := s.common(); len(s.out.Groups) == 0 && c != nil {
		s.out.Groups = []Group{{Contents: *c}}
	}
	s.out.Fence = max(s.manifest.Fence, s.state.fence)
	if !s.listed { // and so it is not known how many were set aside
		s.out.Fence = min(s.out.Fence+fenceBlock, maxNumber-fenceBlock)
	}
	s.out.Capacity, s.out.Taken = s.state.capacity, s.taken
	slices.SortStableFunc(s.out.Lost, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
}

// setApart puts what may be out of date at the end of its group.
func (s *salvager) setApart(g *Group) {
	older := func(r Record) bool { return s.older[string(r.Key)] }
	slices.SortStableFunc(g.Records, func(a, b Record) int {
		switch {
		case older(a) == older(b):
			return 0
		case older(b):
			return -1
		}
		return 1
	})
	for i := len(g.Records); i > 0 && older(g.Records[i-1]); i-- {
		g.Older++
	}
}
