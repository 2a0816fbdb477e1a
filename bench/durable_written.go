package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// written compares the bytes that go to the disk to those of the keys and values.
func written(d *durable) error {
	fmt.Printf("\n## Write amplification: bytes written per byte of keys and values; Sync EverySecond, %d-byte keys, %d-byte values, %d entries\n\n", len(shortKeys(1)[0]), valueSize, d.entries)
	fmt.Print("| | keys and values, MB | journal | snapshots and the like | in all | target | pages that the system was to write, in bytes |\n|---|--:|--:|--:|--:|---|--:|\n")
	once, err := newWriting(d, 1<<50)
	if err != nil {
		return err
	}
	for range once.keys {
		err = errors.Join(err, once.set())
	}
	if err := errors.Join(err, once.print("new keys, no compaction", 1.2)); err != nil {
		return err
	}
	steady, err := newWriting(d, 0)
	if err != nil {
		return err
	}
	if err := steady.overwrite(2 * d.repeats); err != nil {
		return err
	}
	name := fmt.Sprintf("steady overwriting at %d Sets per second, from one snapshot to the %dth after it", steadyRate, 2*d.repeats)
	return steady.print(name, 3)
}

// steadyRate is so low that the store is compacted as often as it ever is: the
// faster it is written to, the more the journal grows beside a snapshot.
const steadyRate = 100_000

// writing is a store with what was written to it and by it.
type writing struct {
	store   *store.Store[string, []byte]
	fs      countingFS
	keys    []string
	value   []byte
	sets    int
	payload int64 // since start, as all below

	journal, others, pages int64
}

// newWriting makes an empty store. minJournal 0 is the default.
func newWriting(d *durable, minJournal int64) (*writing, error) {
	fs, err := newCountingFS()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(d.dir, "written-")
	if err != nil {
		return nil, err
	}
	w := &writing{fs: fs, keys: shortKeys(d.entries), value: bytes.Repeat([]byte{'v'}, valueSize)}
	w.store, err = store.New(store.Options[string, []byte]{
		Capacity: d.entries, TTL: time.Hour, IdleTimeout: time.Hour,
		Persist: persist.Config{Dir: dir, Codec: rawCodec{}, Sync: persist.EverySecond, MinJournal: minJournal, FS: fs},
	})
	w.start()
	return w, err
}

func (w *writing) set() error {
	key := w.keys[w.sets%len(w.keys)]
	w.sets++
	w.payload += int64(len(key) + len(w.value))
	return w.store.Set(key, w.value)
}

// overwrite overwrites entries steadily until the store has been compacted so many
// times.
func (w *writing) overwrite(compactions int) error {
	for range w.keys {
		if err := w.set(); err != nil {
			return err
		}
	}
	if err := w.store.Snapshot(context.Background()); err != nil {
		return err
	}
	w.start()
	until := w.store.Stats().Snapshots + uint64(compactions)
	const batch = 100
	due := time.Now()
	for w.store.Stats().Snapshots < until {
		for range batch {
			if err := w.set(); err != nil {
				return err
			}
		}
		due = due.Add(batch * time.Second / steadyRate)
		time.Sleep(time.Until(due))
	}
	return nil
}

// start begins to count.
func (w *writing) start() {
	w.payload = 0
	w.journal, w.others, w.pages = -w.journalBytes(), -w.fs.written.Load(), -pagesWritten()
}

func (w *writing) journalBytes() int64 {
	if w.store == nil {
		return 0
	}
	return int64(w.store.Stats().Journal.Bytes)
}

// print prints a row, and closes the store.
func (w *writing) print(name string, target float64) error {
	w.journal += w.journalBytes()
	w.others += w.fs.written.Load()
	if err := w.store.Sync(); err != nil {
		return err
	}
	w.pages += pagesWritten()
	st := w.store.Stats()
	if st.Sets != uint64(w.sets) || st.Journal.Records != uint64(w.sets) || st.SnapshotErrors != 0 || st.Entries != len(w.keys) {
		return fmt.Errorf("%d Sets counted, %d done and %d in the journal; %d snapshots failed; %d entries", w.sets, st.Sets, st.Journal.Records, st.SnapshotErrors, st.Entries)
	}
	share := func(n int64) float64 { return float64(n) / float64(w.payload) }
	all := share(w.journal + w.others)
	pages := "-"
	if w.pages > 0 {
		pages = fmt.Sprintf("%.2f", share(w.pages))
	}
	fmt.Printf("| %s | %.0f | %.2f | %.2f | %.2f | %s | %s |\n",
		name, float64(w.payload)/1e6, share(w.journal), share(w.others), all, atMost(all, target), pages)
	return w.store.Close()
}

// pagesWritten returns how many bytes this process has caused to be written, in
// whole pages, where Linux tells it. Those of files that are removed before they
// are written count as well.
func pagesWritten() int64 {
	info, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(info)) {
		if value, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}
