package main

import "strings"

// What tells damage: functions, and the type of an error.
var tells = map[string]bool{"corrupt": true, "bad": true, "badFrame": true}

// checks are functions whose errors all tell damage, or what can't be used, and what
// makes those.
var (
	checks = map[string]bool{
		"checkPreamble": true, "parseRecord": true, "parseChange": true, "manifest.check": true,
		"state.begin": true, "state.make": true, "state.set": true, "Contents.Check": true,
		"heldLock.Held": true, "Folder.load": true, "table.fill": true,
		"Store.fill": true, "osFile.Sync": true,
	}
	makesErrors = map[string]bool{"New": true, "Errorf": true}
)

// tellers are functions that hand on what others have found out.
var tellers = map[string]bool{"segmentReader.bad": true}

// slow are the tests that are left for the end.
const slow = "^(TestKill|TestCrashPoints|TestAllDamageToAJournaledFolder|TestAllDamageToTheNewestSnapshot|TestFolderIsFreeWhileProcessesStart|TestWriterRefusesWhatNoReaderTakes|TestModel|TestLinearizable|TestHugeValue|TestInspectionOfAllDamage.*|TestSalvage.*)$"

// firstOf has the tests that are the likeliest to turn red for a file.
var firstOf = map[string]string{
	"persist/change.go":          "FuzzChange|FuzzSegmentFrames|TestReaderIsStrict|TestSegmentIsReadStrictly",
	"persist/describe.go":        "TestOtherCodecTypesOrSchema|TestSalvage",
	"persist/folder_journal.go":  "TestEveryCallOfAJournalFails|TestTornEnd",
	"persist/frame.go":           "TestReaderIsStrict|TestManifestIs|TestOtherVersions|TestAllDamageToAnExport",
	"persist/fs.go":              "TestPowerLossAfterEveryCall|TestOSFile|TestFoldersAbove",
	"persist/inspect_judge.go":   "TestInspection",
	"persist/inspect_segment.go": "TestInspection",
	"persist/inspect.go":         "TestInspection",
	"persist/journal.go":         "TestEveryCallOfAJournalFails",
	"persist/manifest.go":        "TestManifestIs|TestPowerLossAfterEveryCall",
	"persist/record.go":          "TestReaderIsStrict",
	"persist/recover.go":         "TestSnapshotsInTheWrongPlace|TestSegmentsInTheWrongPlace",
	"persist/recover_journal.go": "TestSegmentsInTheWrongPlace|TestTornEnd|TestSegmentIsReadStrictly",
	"persist/replay.go":          "TestSegmentIsReadStrictly|TestImportOfTwo",
	"persist/segment.go":         "TestTornEnd|TestSegmentsInTheWrongPlace|TestSegmentIsReadStrictly|TestFramesThatAreNone|FuzzSegment",
	"persist/snapshot.go":        "TestReaderIsStrict",
	"store/batch.go":             "TestPending|TestEverySecond",
	"store/journal.go":           "TestCompaction|TestFolderMovesAway",
	"store/snapshot.go":          "TestEverySecond",
}

// listed are the safeguards that no rule finds.
var listed = []struct {
	name  string
	first string // as in mutant
	edits []edit
}{
	// What is written, and in what order.
	{"a snapshot is not read back", "TestDamageWhileWriting", []edit{{
		"persist/folder_save.go",
		"if err := f.read(name+tempSuffix, h.Generation, verify); err != nil {",
		"if err := error(nil); err != nil {",
	}}},
	{"a snapshot is read back halfway", "TestDamageWhileWriting", []edit{{
		"persist/folder_save.go",
		"if _, err := r.Next(); err != nil {\n\t\t\tif",
		"if _, err := r.Next(); err == nil {\n\t\t\treturn nil\n\t\t} else {\n\t\t\tif",
	}}},
	{"the old snapshots go before the new one counts", "TestPowerLossAfterEveryCall", []edit{{
		"persist/folder_save.go",
		"\tif err == nil {\n\t\tf.unsure = h.Generation\n",
		"\tif err == nil {\n\t\tf.removeAll(without(f.manifest.Generations, m.Generations), snapshotName)\n\t\tf.unsure = h.Generation\n",
	}}},
	{"the old segments go before the new snapshot counts", "TestEveryCallOfAJournalFails", []edit{{
		"persist/folder_save.go",
		"\tif err == nil {\n\t\tf.unsure = h.Generation\n",
		"\tif err == nil {\n\t\tf.removeAll(without(f.manifest.Segments, m.Segments), segmentName)\n\t\tf.unsure = h.Generation\n",
	}}},
	{"segments go that an older snapshot needs", "TestAllDamageToAJournaledFolder", []edit{{
		"persist/folder_save.go", "from = min(from, f.first[g])", "_ = f.first[g]",
	}}},
	{"the manifest is listed before the snapshot has its name", "TestPowerLossAfterEveryCall", []edit{{
		"persist/folder_save.go",
		"\t\terr = publish(f.fs, f.dir, name)\n\t}\n\tif err == nil {\n\t\terr = publish(f.fs, f.dir, manifestName)\n",
		"\t\terr = publish(f.fs, f.dir, manifestName)\n\t}\n\tif err == nil {\n\t\terr = publish(f.fs, f.dir, name)\n",
	}}},
	{"a snapshot that may be listed or not is forgotten", "TestFailedSnapshotsDoNotPileUp", []edit{{
		"persist/folder_save.go", "f.unsure = h.Generation", "f.unsure = 0",
	}}},
	{"a segment is written to before it is listed", "TestEveryCallOfAJournalFails", []edit{{
		"persist/folder_journal.go", "err := f.replace(m)\n\tf.listed = err == nil", "err := error(nil)\n\tf.manifest, f.listed = m, true",
	}}},
	{"a new folder has a segment before a manifest", "TestEveryCallOfAJournalFails", []edit{{
		"persist/folder.go", "if f.fresh {\n\t\t// A segment", "if false {\n\t\t// A segment",
	}}},
	{"what a crash has left half written stays", "TestLeftoversOfACrash", []edit{{
		"persist/folder.go", "range f.temps {", "range []string(nil) {",
	}}},
	{"a file that was not synced stays", "TestFullDisk|TestEveryCallOfAJournalFails", []edit{{
		"persist/fs.go", "return errors.Join(err, fsys.Remove(name))", "return err",
	}}},
	{"the manifest of an open folder says that it was closed", "TestWaysInTurn|TestTornEnd", []edit{{
		"persist/folder.go", "m.Fence, m.Closed = after+fenceBlock, nil", "m.Fence = after + fenceBlock",
	}}},
	{"a closed folder does not say what its last change was", "TestAllDamageToAJournaledFolder", []edit{{
		"persist/folder.go", "m.Closed = &f.journal.changed", "m.Closed = nil",
	}}},
	{"fences are not set aside", "TestFenceAfterACrash", []edit{{
		"persist/folder.go", "m.Fence, m.Closed = after+fenceBlock, nil", "m.Fence, m.Closed = after, nil",
	}}},
	{"a damaged snapshot stays listed", "TestDamageIsSavedOver", []edit{{
		"persist/recover.go", "r.manifest.Generations = r.manifest.Generations[:i+1]", "",
	}}},

	// Checksums and numbers.
	{"the checksum of a frame is not looked at", "TestAllDamageToAnExport|TestTornEnd", []edit{{
		"persist/frame.go", "return sum == binary", "return true || sum == binary",
	}}},
	{"the checksum of a frame leaves out its head", "TestAllDamageToAnExport", []edit{
		{"persist/frame.go", "crc32.Update(salt, castagnoli, f[4:])", "crc32.Update(salt, castagnoli, f[16:])"},
		{"persist/frame.go", "crc32.Update(salt, castagnoli, h[4:])", "crc32.Update(salt, castagnoli, h[16:])"},
	}},
	{"segments have no salt", "TestValuesThatLookLikeFrames", []edit{{
		"persist/folder_journal.go", "Salt: newSalt()", "Salt: 0",
	}}},
	{"a frame's own numbers are not looked at", "TestFramesThatAreNone", []edit{{
		"persist/segment.go", "if p.bad || behind == 0 || behind > f.seq || f.seq > maxNumber {", "if false {",
	}}},
	{"a snapshot's frames may be of unknown types", "TestReaderIsStrict", []edit{{
		"persist/snapshot.go", "return Record{}, corrupt(r.frames.name, r.frames.start, \"a frame of unknown type %q\", typ)", "return r.Next()",
	}}},
	{"a change may be of an unknown kind", "TestSegmentIsReadStrictly", []edit{{
		"persist/change.go", "return c, fmt.Errorf(\"a record of unknown type %q\", byte(kind))", "return c, nil",
	}}},
	{"room is made for what a damaged length claims", "TestMemoryIsBounded", []edit{{
		"persist/frame.go", "step := min(n-got, max(atOnce, got))", "step := n - got",
	}}},
	{"the contents of a file are not checked", "TestOtherCodecTypesOrSchema", []edit{{
		"persist/recover.go", "return r.check(c)", "return nil",
	}}},
	{"frames behind zeros are passed over", "TestAllDamageToAJournaledFolder", []edit{{
		"persist/segment.go", "return &badFrame{\"zeros where a frame is due\", append(make([]byte, n), rest...)}", "return io.EOF",
	}}},
	{"numbers may be padded", "FuzzChange", []edit{{
		"persist/change.go", "size <= 0 || size > 1 && p.rest[size-1] == 0", "size <= 0",
	}}},

	// What is durable, and what counts.
	{"frames say that what was written is durable", "TestTornEnd", []edit{{
		"persist/journal.go", "j.segment.w.change(c, j.seq, j.told)", "j.segment.w.change(c, j.seq, j.seq-1)",
	}}},
	{"frames say nothing of what is durable", "TestAllDamageToAJournaledFolder", []edit{
		{"persist/journal.go", "\tj.told = j.durable.Load()\n\tj.segment.w.change(", "\tj.told = 0\n\tj.segment.w.change("},
		{"persist/journal.go", "j.told = j.durable.Load()\n\tj.segment.w.seal(", "j.told = 0\n\tj.segment.w.seal("},
		{"persist/journal.go", "j.told = j.durable.Load()\n\tj.segment.w.goOn(", "j.told = 0\n\tj.segment.w.goOn("},
		{"persist/journal.go", "\tj.told = durable\n\tj.segment.w.mark(j.seq, durable)", "\tj.told = durable\n\tj.segment.w.mark(j.seq, 0)"},
	}},
	{"a journal at rest does not say what is durable", "TestAllDamageToAJournaledFolder", []edit{{
		"persist/journal.go", "\tj.segment.w.mark(j.seq, durable)\n\treturn j.write(false)", "\tj.seq--\n\treturn nil",
	}}},
	{"what is being synced is said to be durable", "TestDurableIsSaidOnceItIs", []edit{{
		"persist/journal.go", "\tj.dirty, j.behind = false, nil\n", "\tj.dirty, j.behind = false, nil\n\tj.durable.Store(upTo)\n",
	}}},
	{"a segment counts beyond where the next goes on", "TestEveryCallOfAJournalFails", []edit{{
		"persist/recover_journal.go", "upTo = min(upTo, parts[i].after)", "_ = parts[i].after",
	}}},
	{"a broken journal is written to", "TestEveryCallOfAJournalFails", []edit{{
		"persist/journal.go", "if err := j.Err(); err != nil {\n\t\treturn err\n\t}\n\tb := ", "b := ",
	}}},
	{"a sync that failed is tried again", "TestEveryCallOfAJournalFails", []edit{{
		"persist/journal.go", "\tj.dirty, j.behind = false, nil\n\tj.mu.Unlock()\n\terr := syncAll(behind, last)\n",
		"\tj.dirty, j.behind = false, nil\n\tj.mu.Unlock()\n\terr := syncAll(behind, last)\n\tif err != nil {\n\t\terr = syncAll(nil, last)\n\t}\n",
	}}},
	{"a folder that has moved away is synced", "TestFolderMovesAway", []edit{{
		"persist/journal.go", "\t\terr = j.held()\n", "\t\terr = nil\n",
	}}},
	{"a snapshot goes to a folder that has moved away", "TestFolderMovesAway|TestFolder", []edit{{
		"persist/folder_save.go", "if err := f.held(); err != nil {", "if err := error(nil); err != nil {",
	}}},
	{"a segment goes to a folder that has moved away", "TestFolderMovesAway|TestFolder", []edit{{
		"persist/folder_journal.go", "err := f.held()\n", "err := error(nil)\n",
	}}},
	{"a folder is not locked", "TestOSFileSystem|TestFolderOfAnotherProcess", []edit{{
		"persist/lock_unix.go", "err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)", "err := error(nil)",
	}}},
	{"mapped room is not set aside on the disk", "TestFullTmpfs", []edit{{
		"persist/map_linux.go", "err := syscall.Fallocate(int(f.Fd()), 0, off, int64(n))", "err := f.File.Truncate(off + int64(n))",
	}}},
	{"a fault in mapped memory ends the process", "TestJournalIsCutShort", []edit{{
		"persist/window.go", "defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))", "_ = debug.SetPanicOnFault",
	}}},

	// The store.
	{"a call returns before its change is durable", "TestPending|TestGroupCommit", []edit{{
		"store/batch.go", "s.journal.Write(s.o.Persist.Sync == persist.Always)", "s.journal.Write(s.o.Persist.Sync > persist.OnSnapshot)",
	}}},
	{"a change is seen before it is durable", "TestPending", []edit{
		{
			"store/batch.go", "\terr := s.journal.Write(",
			"\ts.mu.Lock()\n\tfor i := range b.changes {\n\t\ts.makeLocked(&b.changes[i])\n\t}\n\ts.mu.Unlock()\n\terr := s.journal.Write(",
		},
		{"store/batch.go", "\t\t\ts.makeLocked(c)\n", ""},
	}},
	{"a change is seen before it is written to memory", "TestFolderMovesAway|TestJournalIsCutShort", []edit{
		{"store/change.go", "\ts.record(c, s.wall)\n\tif err", "\ts.record(c, s.wall)\n\ts.makeLocked(c)\n\tif err"},
		{"store/change.go", "\ts.writtenLocked(c.seq) // before others that the change brings about\n\ts.makeLocked(c)\n", "\ts.writtenLocked(c.seq)\n"},
	}},
	{"a change is made though it could not be written", "TestPending", []edit{{
		"store/batch.go", "\tif err != nil {\n\t\tb.err = fmt.Errorf", "\tif err != nil && s.flying != b {\n\t\tb.err = fmt.Errorf",
	}}},
	{"a refused change leaves its mark", "TestPending", []edit{{
		"store/batch.go", "\t\tc := &b.changes[i]\n\t\ts.unmarkLocked(c)\n\t\tif c.kind", "\t\tc := &b.changes[i]\n\t\tif c.kind",
	}}},
	{"nobody waits for what is pending", "TestPending", []edit{{
		"store/change.go", "\t\treturn e.pending\n\t}\n\treturn s.coming[key]", "\t\treturn nil\n\t}\n\treturn nil",
	}}},
	{"a store that is read-only takes changes", "TestPending|TestFolderMovesAway", []edit{{
		"store/change.go", "if s.readOnly != nil {\n\t\treturn nil, s.readOnly", "if false {\n\t\treturn nil, s.readOnly",
	}}},
	{"a broken journal goes on before all is in a snapshot", "TestFolderMovesAway", []edit{{
		"store/journal.go", "if s.readOnly != nil {\n\t\treturn true, nil\n\t}", "if s.readOnly != nil {\n\t\ts.readOnly = nil\n\t}",
	}}},
	{"the last second's changes are not synced", "TestEverySecond", []edit{{
		"store/batch.go", "\tif s.o.Persist.Sync != persist.Always {\n\t\ts.unsyncedLocked()", "\tif false {\n\t\ts.unsyncedLocked()",
	}}},
	{"evictions are not written down", "TestCrashPoints|TestModel", []edit{{
		"store/journal.go", "\t\tif c.victim != nil {\n\t\t\t// Last", "\t\tif false {\n\t\t\t// Last",
	}}},
	{"the end of an entry that is dead is not written down", "TestExpiredDoesNotComeBack", []edit{{
		"store/change.go", "case s.journal == nil,", "case s.journal == nil, c.kind == changeFreed,",
	}}},
	{"what was dropped or renewed when opened is not saved", "TestSmallerCapacityIsWrittenDown", []edit{{
		"store/restore.go", "if rec.Damaged+from.dropped+from.stale > 0 {", "if false {",
	}}},
}

// redundant has the reasons why the tests stay green without a safeguard.
var redundant = map[string]string{}

// listedAt reports whether a mutant of the list takes out a text of a file.
func listedAt(file, text, what string) bool {
	for _, l := range listed {
		for _, e := range l.edits {
			if e.file == file && strings.Contains(e.from, what) && strings.Contains(text, e.from) {
				return true
			}
		}
	}
	return false
}
