package main

import "strings"

// What tells damage: functions, and the type of an error.
var tells = map[string]bool{"corrupt": true, "bad": true, "badFrame": true}

// checks are functions whose errors all tell damage, or what can't be used, and
// makesErrors is what makes those.
var (
	checks = map[string]bool{
		"checkPreamble": true, "parseRecord": true, "parseChange": true, "manifest.check": true,
		"state.begin": true, "state.make": true, "state.set": true, "Contents.Check": true,
		"heldLock.Held": true, "Folder.load": true, "Store.fill": true,
	}
	makesErrors = map[string]bool{"New": true, "Errorf": true}
)

// tellers are functions that hand on what others have found out.
var tellers = map[string]bool{"segmentReader.bad": true}

// slow are the tests that are left for the end.
const slow = "^(TestKill|TestCrashPoints|TestAllDamageToAJournaledFolder|TestAllDamageToTheNewestSnapshot|TestFolderIsFreeWhileProcessesStart|TestWriterRefusesWhatNoReaderTakes|TestModel|TestLinearizable|TestHugeValue|TestInspectionOfAllDamage.*|TestSalvage.*)$"

// firstOf has the tests that are the likeliest to turn red for a file. Behind a comma
// are those that take long, and are left for when the others stay green.
var firstOf = map[string]string{
	"persist/change.go":          "FuzzChange|FuzzSegmentFrames|TestReaderIsStrict|TestSegmentIsReadStrictly",
	"persist/describe.go":        "TestOtherCodecTypesOrSchema",
	"persist/folder.go":          "TestWhatIsInherited|TestFoldersAbove|TestSnapshotsInTheWrongPlace|TestStoreOfAnotherForm",
	"persist/folder_journal.go":  "TestBeginningOfAJournal|TestEndOfAJournal|TestTornEnd, TestEveryCallOfAJournalFails",
	"persist/frame.go":           "TestReaderIsStrict|TestManifestIs|TestOtherVersions|TestAllDamageToAnExport",
	"persist/fs.go":              "TestOSFile|TestFoldersAbove, TestPowerLossAfterEveryCall|TestCompactOnADisk",
	"persist/inspect.go":         "TestInspectionOfDamageToTwoFiles|TestSnapshotOfTwo",
	"persist/inspect_judge.go":   "TestInspectionOf",
	"persist/inspect_segment.go": "TestInspectionOfDamageToTwoFiles|TestInspectionOfRecords",
	"persist/journal.go":         "TestBeginningOfAJournal|TestEndOfAJournal|TestEverySecond|TestPending, TestEveryCallOfAJournalFails",
	"persist/lock_unix.go":       "TestOSFile",
	"persist/manifest.go":        "TestManifestIs, TestPowerLossAfterEveryCall",
	"persist/record.go":          "TestReaderIsStrict",
	"persist/recover.go":         "TestSnapshotsInTheWrongPlace|TestSegmentsInTheWrongPlace",
	"persist/recover_journal.go": "TestClosedJournal|TestSegmentsInTheWrongPlace|TestTornEnd|TestSegmentIsReadStrictly, TestInspectionOfDamageToTwo",
	"persist/replay.go":          "TestSegmentIsReadStrictly|TestSnapshotOfTwo",
	"persist/salvage_list.go":    "TestSalvageMendsNoManifest",
	"persist/segment.go":         "TestSealedSegment|TestTornEnd|TestSegmentsInTheWrongPlace|TestSegmentIsReadStrictly|TestFramesThatAreNone|FuzzSegment, TestEveryCallOfAJournalFails",
	"persist/snapshot.go":        "TestReaderIsStrict",
	"store/batch.go":             "TestPending|TestEverySecond|TestSyncThatFails",
	"store/journal.go":           "TestCompaction|TestFolderMovesAway",
	"store/snapshot.go":          "TestEverySecond|TestSyncThatFails",
	"store/stage.go":             "TestImportOfTwo",
}

// listedAt reports whether a mutant of the list has an edit around a text of a file.
func listedAt(file, what string) bool {
	for _, l := range listed {
		for _, e := range l.edits {
			if e.file == file && strings.Contains(e.text, what) {
				return true
			}
		}
	}
	return false
}
