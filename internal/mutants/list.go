package main

// without leaves a statement out.
func without(file, statement string) edit {
	return edit{file, statement, "if !MUTANT { ", " }"}
}

// first does something in front of a statement.
func first(file, statement, does string) edit {
	return edit{file, statement, "if MUTANT { " + does + " }\n", ""}
}

// then does something behind a statement.
func then(file, statement, does string) edit {
	return edit{file, statement, "", "\nif MUTANT { " + does + " }\n"}
}

// never has a condition be false.
func never(file, condition string) edit {
	return edit{file, condition, "!MUTANT && ", ""}
}

// skip leaves out a call that returns an error.
func skip(file, call string) edit {
	return edit{file, call, "unless(MUTANT, func() error { return ", " })"}
}

// listed are the safeguards that no rule finds: what the mutant does, which tests
// should turn red, and what makes it do so.
var listed = []struct {
	name  string
	first string
	edits []edit
}{
	// What is written, and in what order.
	{"a snapshot is not read back", "TestDamageWhileWriting", []edit{
		skip("persist/folder_save.go", "f.read(name+tempSuffix, h.Generation, verify)"),
	}},
	{"a snapshot is not read back to its end", "TestDamageWhileWriting", []edit{
		first("persist/folder_save.go", "if _, err := r.Next(); err != nil {", "return nil"),
	}},
	{"the old snapshots go before the new one counts", "TestPowerLossAfterEveryCall", []edit{
		first("persist/folder_save.go", "f.unsure = h.Generation", "f.removeAll(without(f.manifest.Generations, m.Generations), snapshotName)"),
	}},
	{"the old segments go before the new snapshot counts", "TestEveryCallOfAJournalFails", []edit{
		first("persist/folder_save.go", "f.unsure = h.Generation", "f.removeAll(without(f.manifest.Segments, m.Segments), segmentName)"),
	}},
	{"segments go that an older snapshot needs", "TestAllDamageToAJournaledFolder", []edit{
		without("persist/folder_save.go", "from = min(from, f.first[g])"),
	}},
	{"the manifest lists a snapshot before that has its name", "TestPowerLossAfterEveryCall", []edit{
		first("persist/folder_save.go", "f.unsure = h.Generation", "err = publish(f.fs, f.dir, manifestName)"),
		without("persist/folder_save.go", "err = publish(f.fs, f.dir, manifestName)"),
	}},
	{"a snapshot that may be listed or not is forgotten", "TestFailedSnapshotsDoNotPileUp", []edit{
		without("persist/folder_save.go", "f.unsure = h.Generation"),
	}},
	{"a segment is written to before it is listed", "TestEveryCallOfAJournalFails", []edit{
		skip("persist/folder_journal.go", "f.replace(m)"),
		first("persist/folder_journal.go", "f.listed = err == nil", "f.manifest = m"),
	}},
	{"a new folder has a segment before a manifest", "TestEveryCallOfAJournalFails", []edit{
		never("persist/folder.go", "f.fresh {\n\t\t// A segment"),
	}},
	{"what a crash has left half written stays", "TestLeftoversOfACrash", []edit{
		then("persist/folder.go", "for _, name := range f.temps {", "break"),
	}},
	{"a file that was not synced stays", "TestFullDisk|TestEveryCallOfAJournalFails", []edit{
		first("persist/fs.go", "return errors.Join(err, fsys.Remove(name))", "return err"),
	}},
	{"the manifest of an open folder says that it was closed", "TestInspectionOfWhatIsWhole", []edit{
		then("persist/folder.go", "m.Fence, m.Closed = after+fenceBlock, nil", "m.Closed = f.manifest.Closed"),
	}},
	{"fences are not set aside", "TestFenceAfterACrash", []edit{
		then("persist/folder.go", "m.Fence, m.Closed = after+fenceBlock, nil", "m.Fence = after"),
	}},
	{"a closed folder does not say what its last change was", "TestEndOfAJournal", []edit{
		without("persist/folder.go", "m.Closed = &f.journal.changed"),
	}},
	{"a damaged snapshot stays listed", "TestSnapshotsInTheWrongPlace", []edit{
		without("persist/recover.go", "r.manifest.Generations = r.manifest.Generations[:i+1]"),
	}},

	// Checksums and numbers.
	{"the checksum of a frame is not looked at", "TestAllDamageToAnExport|TestTornEnd", []edit{
		{"persist/frame.go", "sum == binary.LittleEndian.Uint32(h[:])", "MUTANT || ", ""},
	}},
	{"the checksum of a frame leaves out its head", "TestGolden", []edit{
		first("persist/frame.go", "return b\n}\n\n// frameHead", "binary.LittleEndian.PutUint32(f, crc32.Update(salt, castagnoli, f[16:]))"),
		first("persist/frame.go", "return sum == ", "sum = crc32.Update(crc32.Update(salt, castagnoli, h[16:]), castagnoli, payload)"),
	}},
	{"segments have no salt", "TestValuesThatLookLikeFrames", []edit{
		first("persist/folder_journal.go", "return binary.LittleEndian.Uint32(b[:])", "return 0"),
	}},
	{"a frame's own numbers are not looked at", "TestFramesThatAreNone", []edit{
		{"persist/segment.go", "p.bad || behind == 0 || behind > f.seq || f.seq > maxNumber", "!MUTANT && (", ")"},
	}},
	{"a snapshot's frames may be of unknown types", "TestReaderIsStrict", []edit{
		first("persist/snapshot.go", "return Record{}, corrupt(r.frames.name, r.frames.start, \"a frame of unknown type %q\", typ)", "return r.Next()"),
	}},
	{"a change may be of an unknown kind", "TestSegmentIsReadStrictly", []edit{
		first("persist/change.go", "return c, fmt.Errorf(\"a record of unknown type %q\", byte(kind))", "return c, nil"),
	}},
	{"frames behind zeros are passed over", "TestAllDamageToAJournaledFolder", []edit{
		first("persist/segment.go", "return &badFrame{\"zeros where a frame is due\", append(make([]byte, n), rest...)}", "return io.EOF"),
	}},
	{"room is made for what a damaged length claims", "TestMemoryIsBounded", []edit{
		then("persist/frame.go", "step := min(n-got, max(atOnce, got))", "step = n - got"),
	}},
	{"the contents of a file are not checked", "TestOtherCodecTypesOrSchema", []edit{
		first("persist/recover.go", "return r.check(c)", "return nil"),
	}},
	{"numbers may be padded", "FuzzChange", []edit{
		never("persist/change.go", "size > 1 && p.rest[size-1] == 0"),
	}},

	// What is durable, and what counts.
	{"frames say that what was written is durable", "TestTornEnd", []edit{
		first("persist/journal.go", "j.segment.w.change(c, j.seq, j.told)", "j.told = j.seq - 1"),
	}},
	{"frames say nothing of what is durable", "TestAllDamageToAJournaledFolder", []edit{
		first("persist/journal.go", "j.segment.w.change(c, j.seq, j.told)", "j.told = 0"),
		first("persist/journal.go", "j.segment.w.seal(j.seq, j.told)", "j.told = 0"),
		first("persist/journal.go", "j.segment.w.goOn(j.seq, j.told, after)", "j.told = 0"),
		first("persist/journal.go", "j.segment.w.mark(j.seq, durable)", "durable = 0"),
	}},
	{"a journal at rest does not say what is durable", "TestAllDamageToAJournaledFolder", []edit{
		first("persist/journal.go", "j.seq++\n\tj.told = durable", "return nil"),
	}},
	{"what is being synced is said to be durable", "TestDurableIsSaidOnceItIs", []edit{
		then("persist/journal.go", "j.dirty, j.behind = false, nil\n", "j.durable.Store(upTo)"),
	}},
	{"a segment counts beyond where the next goes on", "TestEveryCallOfAJournalFails", []edit{
		without("persist/recover_journal.go", "upTo = min(upTo, parts[i].after)"),
	}},
	{"what another process has torn is not made durable", "TestWhatIsInherited", []edit{
		first("persist/recover_journal.go", "r.torn = bad", "r.unsynced = r.unsynced[:len(r.unsynced)-1]"),
	}},
	{"what another process has not sealed is not made durable", "TestWhatIsInherited", []edit{
		never("persist/recover_journal.go", "!sr.sealed {"),
	}},
	{"what is behind a torn end is not made durable", "TestWhatIsInherited", []edit{
		without("persist/recover_journal.go", "r.unsynced = append(r.unsynced, p.number)"),
	}},
	{"a broken journal is written to", "TestBrokenJournalIsLeftAlone", []edit{
		never("persist/journal.go", "err != nil {\n\t\treturn err\n\t}\n\tb := "),
	}},
	{"a sync that failed is tried again", "TestEveryCallOfAJournalFails", []edit{
		first("persist/journal.go", "if err == nil {\n\t\terr = j.held()", "if err != nil { err = syncAll(nil, last) }"),
	}},
	{"a folder that has moved away is synced", "TestFolderMovesAway", []edit{
		without("persist/journal.go", "err = j.held()"),
	}},
	{"a snapshot goes to a folder that has moved away", "TestFolderMovesAway|TestFolder", []edit{
		skip("persist/folder_save.go", "f.held()"),
	}},
	{"a segment goes to a folder that has moved away", "TestFolderMovesAway|TestFolder", []edit{
		skip("persist/folder_journal.go", "f.held()"),
	}},
	{"a file that has no name any more is synced", "TestOSFile", []edit{
		never("persist/fs.go", "err == nil && removed(info)"),
	}},
	{"a folder is not locked", "TestOSFileSystem|TestFolderOfAnotherProcess", []edit{
		skip("persist/lock_unix.go", "syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)"),
	}},
	{"mapped room is not set aside on the disk", "TestFullTmpfs", []edit{
		skip("persist/map_linux.go", "syscall.Fallocate(int(f.Fd()), 0, off, int64(n))"),
		first("persist/map_linux.go", "mem, err := syscall.Mmap(", "_ = f.File.Truncate(off + int64(n))"),
	}},
	{"a fault in mapped memory ends the process", "TestJournalIsCutShort", []edit{
		{"persist/window.go", "debug.SetPanicOnFault(true", "", " && !MUTANT"},
	}},

	// The store.
	{"a call returns before its change is durable", "TestPending|TestGroupCommit", []edit{
		never("store/batch.go", "s.o.Persist.Sync == persist.Always)"),
	}},
	{"a change is seen before it is durable", "TestPending", []edit{
		first("store/batch.go", "err := s.journal.Write(", "s.mu.Lock()\nfor i := range b.changes { s.makeLocked(&b.changes[i]) }\ns.mu.Unlock()"),
		without("store/batch.go", "s.makeLocked(c)"),
	}},
	{"a change is seen before it is in mapped memory", "TestFolderMovesAway|TestJournalIsCutShort", []edit{
		first("store/change.go", "if err := s.journal.Write(false); err != nil {", "s.makeLocked(c)"),
		then("store/change.go", "s.writtenLocked(c.seq) // before others that the change brings about\n", "return nil"),
	}},
	{"a change is made though it could not be written", "TestPending", []edit{
		never("store/batch.go", "err != nil {\n\t\tb.err = fmt.Errorf"),
	}},
	{"a refused change leaves its mark", "TestPending", []edit{
		first("store/batch.go", "if c.kind != changeLock {", "s.markLocked(c, b)"),
	}},
	{"nobody waits for what is pending", "TestPending", []edit{
		first("store/change.go", "switch {\n\tcase s.barrier != nil:", "return nil"),
	}},
	{"a store that is read-only takes changes", "TestPending|TestFolderMovesAway", []edit{
		never("store/change.go", "s.readOnly != nil {\n\t\treturn nil, s.readOnly"),
	}},
	{"a broken journal goes on before all is in a snapshot", "TestFolderMovesAway", []edit{
		first("store/journal.go", "if s.readOnly != nil {\n\t\treturn true, nil", "s.readOnly = nil"),
	}},
	{"the last second's changes are not synced", "TestEverySecond", []edit{
		never("store/batch.go", "s.o.Persist.Sync != persist.Always {"),
	}},
	{"evictions are not written down", "TestModel", []edit{
		never("store/journal.go", "c.victim != nil {\n\t\t\t// Last"),
	}},
	{"the end of an entry that is dead is not written down", "TestExpiredDoesNotComeBack", []edit{
		{"store/change.go", "case s.journal == nil, s.readOnly", "case MUTANT && c.kind == changeFreed:\n", ""},
	}},
	{"what an import in vain has held up is not written down", "TestImportWhileEntriesAreFreed", []edit{
		first("store/import.go", "for _, c := range s.unwritten {", "s.unwritten = nil"),
	}},
	{"what was held up by an import is written down after it", "TestImportWhileEntriesAreFreed", []edit{
		first("store/import.go", "s.unwritten = nil // it was", "s.importing = false; for _, c := range s.unwritten { s.noteLocked(c) }"),
	}},
	{"what was dropped or renewed when opened is not saved", "TestSmallerCapacityIsWrittenDown", []edit{
		never("store/restore.go", "rec.Damaged+from.dropped+from.stale > 0"),
	}},

	// Without the lock.
	{"reads take the lock", "TestNobodyWaitsForTheLock", []edit{
		first("store/quick.go", "return !accessesAreChanges && isSteady(s.o.Clock)", "return false"),
	}},
	{"overwrites take the lock", "TestNobodyWaitsForTheLock", []edit{
		first("store/quick.go", "return s.quick && s.folder == nil", "return false"),
	}},
	{"an export that has begun is not seen by who overwrites", "TestExportBeginsWithinAnOverwrite", []edit{
		never("store/quick.go", "s.reads.Load() != index"),
	}},
	{"who overwrites leaves the TTL as it was", "TestOverwritesStartTheStoresTTL", []edit{
		then("store/entry.go", "next.e, next.slot, next.expires = e, v.slot, expires", "next.expires = v.expires"),
	}},
	{"a load that begins while somebody overwrites is not overtaken", "TestLoadBeginsWithinAnOverwrite", []edit{
		never("store/quick.go", "s.loads.active.Load() != 0"),
	}},
	{"who has the lock decides on what may be overwritten", "TestCompareAndSetBesideOverwrites|TestOverwritesAreCounted", []edit{
		never("store/write.go", "s.quickSets && live.freeze()"),
	}},
	{"a version that is claimed is not waited for", "TestClaimIsWaitedFor", []edit{
		first("store/entry.go", "if !v.isOver() {", "return v"),
	}},
	{"the index keeps what is over", "TestIndexIsHealed", []edit{
		without("store/table.go", "t.index.heal(v, now)"),
	}},

	{"an overwrite puts its own key in the place of the one that is there", "TestOverwritesKeepTheKey", []edit{
		without("store/entry.go", "next.key = v.key"),
	}},

	// What there is a bound for.
	{"a new entry gets details of its own", "TestAllocations", []edit{
		first("store/write.go", "e.born = s.nextLocked()", "e.own()"),
	}},
	{"a new entry is made with details of its own", "TestBytesPerEntry", []edit{
		first("store/entry.go", "switch {\n\tcase s.plain == nil:", "if s.plain != nil { e := detailed[K, V](); e.weight = 1; return e }"),
	}},
	{"all that are dead go in one turn", "TestDeadEntriesGoInTurns", []edit{
		first("store/sweep.go", "expiry := s.table.expiry", "want, most = s.table.len(), s.table.len()"),
	}},
	{"all that are listed as dead are looked at in one turn", "TestDeadEntriesGoInTurns", []edit{
		first("store/sweep.go", "expiry := s.table.expiry", "most = s.table.len()"),
	}},

	// Loads.
	{"a load that ends its goroutine has found nothing", "TestRefreshExits|TestGetOrLoadManyExits", []edit{
		first("store/load_run.go", "defer end.catch()", "end.exited = false"),
	}},
	{"who waits for a load that ends its goroutine goes on", "TestGetOrLoadManyExits", []edit{
		never("store/load.go", "p.exited"),
	}},
	{"who ends early is waiting for the rest all the same", "TestGetOrLoadManyExits", []edit{
		first("store/load_many.go", "for _, p := range promises {\n\t\t\ts.loads.leave(p)", "return"),
	}},

	// The order of use, and that of deadlines.
	{"LRU goes by the marks of slots alone", "TestLRUIsExact", []edit{
		first("store/lru.go", "if now == f.at {", "return true"),
	}},
	{"what comes back with an old mark is overlooked", "TestLRUIsExact", []edit{
		never("store/lru.go", "p.coming.takes(mark) && int(slot) < p.looked"),
	}},
	{"who has to go before others in the list comes last", "TestLRUIsExact", []edit{
		never("store/lru.go", "p.newest > p.found.slots.next()"),
	}},
	{"what comes late is overlooked for those that are in order", "TestByMark", []edit{
		never("store/bymark.go", "b.rest.next() < b.nextOfSome()"),
	}},
	{"the ends of parts that have gone stay", "TestByMarkOfMany", []edit{
		without("store/bymark.go", "b.ends = b.ends[:last]"),
	}},
	{"all that were found are tried, though they were used since", "TestInsertsAfterReading", []edit{
		never("store/lru.go", "p.wasted > p.slots.n/wastes+64"),
	}},
	{"a slot's mark is raised though another entry has come", "TestSlotMarks", []edit{
		first("store/marks.go", "if s.piece != nil && int64(mark)-s.was > markLag",
			"if s.piece != nil && int64(mark)-s.was > markLag { s.piece.marks[s.at].Store(int64(mark)) }"),
	}},
	{"a bound is put up past an entry that was listed meanwhile", "TestBoundIsNotPutUpPastANewcomer", []edit{
		first("store/marks.go", "if int64(mark) < int64(was&^boundLow) {", "next = was"),
	}},
	{"a bound stays above an entry that is listed", "TestBoundsStayBelow", []edit{
		never("store/marks.go", "int64(mark) < int64(was&^boundLow)"),
	}},
	{"a use noted late lowers a slot's mark", "TestMarksAreNotLowered", []edit{
		first("store/marks.go", "for was := p.marks[at].Load(); was < int64(mark)",
			"p.marks[at].Store(int64(mark)); return"),
	}},
	{"a late mark revives what was found dead", "TestTheDeadStayDead", []edit{
		without("store/entry.go", "v.reads.Or(settled)"),
	}},
	{"who is used all the time never goes", "TestVictimAmongTheHot", []edit{
		never("store/lru.go", "now != never && p.tried > 2*p.mostFound()"),
	}},
	{"a Resize makes room for those who add", "TestResizeIsNotUndone", []edit{
		without("store/resize.go", "s.room = min(s.capacity, capacity)"),
	}},
	{"a Resize that has failed keeps the room it made", "TestResizeInVain", []edit{
		without("store/resize.go", "s.room = s.capacity"),
	}},
	{"a Resize in vain has others refused", "TestResizeInVainRefusesNobody", []edit{
		never("store/write.go", "err == ErrFull && n < s.capacity"),
	}},
	{"others take the room that is made for weight", "TestHeavyWriteEnds", []edit{
		never("store/weight.go", "!w.reserves"),
	}},
	{"others get the room that was made for weight never again", "TestHeavyWriteEnds", []edit{
		never("store/weight.go", "w.reserves {\n\t\ts.reserved, w.reserves = 0, false"),
	}},
	{"a heavy write in vain has others refused", "TestHeavyWriteInVainRefusesNobody", []edit{
		never("store/weight.go", "err == ErrFull && fits"),
	}},
	{"those who add outrun a sweep", "TestLenEnds", []edit{
		never("store/write.go", "s.sweepers.Load() > 0"),
	}},
	{"OnRemove takes what is behind with it", "TestOnRemoveExits", []edit{
		never("store/removal.go", "!over"),
	}},
	{"one caller delivers for ever what others cause", "TestOnRemoveForOthers", []edit{
		never("store/removal.go", "s.delivered >= upTo"),
	}},
	{"a batch is gathered as long as there are reads", "TestGatheringEnds", []edit{
		then("store/batch.go", "n := s.pending // all of them are in it: none is on its way", "n = len(s.open.changes)"),
	}},
	{"who writes again and again has its entry pending all the time", "TestPendingLetsOthersIn", []edit{
		first("store/batch.go", "// Or those who have waited for b", "return"),
	}},
	{"a Delete of what is gone does not wait for its end", "TestDeleteOfWhatWasFreed", []edit{
		first("store/write.go", "return s.lastBatchLocked(), nil // its end", "return nil, nil"),
	}},
	{"a Delete of the dead is fine while the disk fails", "TestDeleteOfTheDeadWhileReadOnly", []edit{
		first("store/write.go", "if s.readOnly != nil {\n\t\t\t\treturn nil, s.readOnly // the folder", "return s.lastBatchLocked(), nil"),
	}},
	{"that a lock was in the way is remembered as the source's error", "TestErrorTTLForgetsLocks", []edit{
		first("store/load_run.go", "m = s.memoryOf(p, nil)", "m = s.memoryOf(p, o.err); return"),
	}},
	{"a sweep keeps others waiting", "TestSweepGivesWay", []edit{
		never("store/sweep.go", "s.waiting.Load() > 0 {\n\t\t\tbreak"),
	}},
	{"who was first in a day is not told of the next", "TestDeadlinesInDays", []edit{
		without("store/calendar.go", "c.nodes.at(int(d.first)).before = slot"),
	}},
	{"a day that has no slots any more stays", "TestDeadlinesInDays", []edit{
		never("store/calendar.go", "slot < 0"),
	}},
	{"what is not in the queue has neighbours there", "TestNeighboursOfADeadline", []edit{
		never("store/deadlines.go", "n.at == never || n.before == elsewhere"),
	}},
	{"one late deadline keeps all others out of the queue", "TestDeadlinesInOrderQueue", []edit{
		first("store/deadlines.go", "if n == mostMoved {", "n = mostMoved"),
	}},
	{"a deadline before the last one is appended all the same", "TestDeadlinesComeInOrder", []edit{
		never("store/deadlines.go", "at < d.nodes.at(int(d.last)).at"),
	}},
}

// redundant has the reasons why the tests stay green without a safeguard.
var redundant = map[string]string{
	"what is behind a torn end is not made durable":       "the next segment says behind which change it goes on: what those have never counts again",
	"Store.syncSoon deaf to s.Sync()":                     "the error is passed over there; it has made the store read-only",
	"Store.turn deaf to s.syncJournal()":                  "the error has made the store read-only, which is told",
	"segmentReader.next without head.size() > maxPayload": "what is not there is cut short, and no room is made for it",
}
