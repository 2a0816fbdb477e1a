package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// What is counted is what is in the files: all but the journal, which the store
// counts.
func TestCounting(t *testing.T) {
	fs, err := newCountingFS()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "s")
	s, err := store.New(store.Options[string, []byte]{Persist: persist.Config{Dir: dir, Codec: rawCodec{}, FS: fs}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range shortKeys(100) {
		if err := s.Set(key, make([]byte, valueSize)); err != nil {
			t.Fatal(err)
		}
	}
	before := fs.written.Load()
	if err := s.Snapshot(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := fs.written.Load() - before
	var want int64
	for _, pattern := range []string{"snapshot-*", "MANIFEST", "MANIFEST"} { // one lists the segment, one the snapshot
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			want += info.Size()
		}
	}
	if got < want-100 || got > want+100 {
		t.Errorf("%d bytes counted, about %d in the files", got, want)
	}
	if j := s.Stats().Journal; j.Records != 100 || j.Bytes < 100*(16+valueSize) {
		t.Errorf("the journal has %+v", j)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
