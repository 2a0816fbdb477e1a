package storetest

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// Engine is how [Conformance] gets at what it tests.
type Engine struct {
	// Open opens o.Clients clients of the same entries, of which there are none
	// yet, and sees to it that they are closed when t ends. They may be one and
	// the same; if they are not, to close one leaves the others open. advance
	// returns when d has gone by on the engine's clock: it moves a fake clock, or
	// sleeps.
	Open func(t testing.TB, o EngineOptions) (clients []store.Shared[string, Value], advance func(d time.Duration))

	// Unit is what all TTLs, idle timeouts and leases of the suite are multiples
	// of. On a real clock it is so long that a few calls in a row take less,
	// whatever else the machine does, and so long that rounding does not matter; a
	// check that took longer over its calls, and failed, is made again with a longer
	// one. 0 = a second, for a fake clock.
	Unit time.Duration

	// LateReads says that reads may be noted late or not each of them: see
	// [store.Shared].
	LateReads bool

	// Histories is how many histories of concurrent calls are checked. Each takes
	// 18 Units. 0 = 20.
	Histories int

	asked *atomic.Int64 // how long advance was to take in a check, together; nil = nobody asks
}

// EngineOptions are what the clients that [Engine] opens have to be like.
type EngineOptions struct {
	Clients     int           // how many
	TTL         time.Duration // 0 = for ever
	IdleTimeout time.Duration // 0 = for ever
	MaxLease    time.Duration // never 0
}

// Value is what the suite stores. Every codec can encode it.
type Value struct {
	N    int
	Text string
}

// Conformance checks that an engine keeps the contract of [store.Shared]: every
// call, every refusal, what ends by time, locks and those who come late with them,
// several clients at once. Run it under -race too.
//
// Several goroutines use several clients at once in histories, which porcupine then
// explains by some order of the calls, or not. There, an error that is none of the
// package store's counts as an unknown outcome: the call may have been carried out at any
// time since, or never. Elsewhere it fails the test, so the engine should be in good
// health.
func Conformance(t *testing.T, e Engine) {
	t.Helper()
	for _, check := range conformanceChecks {
		t.Run(check.name, func(t *testing.T) {
			if e.Unit == 0 {
				check.run(t, e.withDefaults())
			} else {
				checkInTime(t, e.withDefaults(), check.run)
			}
		})
	}
}

// checkInTime runs a check on a real clock. If it fails and was late, that may be the
// machine's fault, and it has another try, with twice the time.
func checkInTime(t testing.TB, e Engine, run func(t testing.TB, e Engine)) {
	const tries = 4
	for try := 1; ; try++ {
		e.asked = new(atomic.Int64)
		began := time.Now()
		faults := record(t, func(t testing.TB) { run(t, e) })
		asked := time.Duration(e.asked.Load())
		late := asked > 0 && time.Since(began)-asked > e.Unit/2
		if len(faults) == 0 || !late || try == tries {
			for _, fault := range faults {
				t.Error(fault)
			}
			return
		}
		t.Logf("with a Unit of %v, and late: %q", e.Unit, faults)
		e.Unit *= 2
	}
}

// ConformanceFaults runs the suite and returns what [Conformance] would fail with,
// each with the name of the check in front. It is for tests of an engine that is
// broken on purpose: does the suite see it? With names, only those checks run.
func ConformanceFaults(t testing.TB, e Engine, names ...string) (faults []string) {
	t.Helper()
	for _, check := range conformanceChecks {
		if len(names) > 0 && !slices.Contains(names, check.name) {
			continue
		}
		for _, fault := range record(t, func(t testing.TB) { check.run(t, e.withDefaults()) }) {
			faults = append(faults, check.name+": "+fault)
		}
	}
	return faults
}

var conformanceChecks = []struct {
	name string
	run  func(t testing.TB, e Engine)
}{
	{"Values", conformValues},
	{"Missing", conformMissing},
	{"SetIfAbsent", conformSetIfAbsent},
	{"CompareAndSet", conformCompareAndSet},
	{"Update", conformUpdate},
	{"BadDurations", conformBadDurations},
	{"Keys", conformKeys},
	{"LargeValues", conformLargeValues},
	{"All", conformAll},
	{"AllWhileWriting", conformAllWhileWriting},
	{"TTL", conformTTL},
	{"OwnTTL", conformOwnTTL},
	{"IdleTimeout", conformIdleTimeout},
	{"IdleWhileLocked", conformIdleWhileLocked},
	{"Metadata", conformMetadata},
	{"Locked", conformLocked},
	{"Holder", conformHolder},
	{"Late", conformLate},
	{"Fences", conformFences},
	{"Resume", conformResume},
	{"ForceUnlock", conformForceUnlock},
	{"Extend", conformExtend},
	{"Unlock", conformUnlock},
	{"Done", conformDone},
	{"LockWaits", conformLockWaits},
	{"LockEnds", conformLockEnds},
	{"LockRemoved", conformLockRemoved},
	{"Context", conformContext},
	{"Close", conformClose},
	{"ConcurrentUpdates", conformConcurrentUpdates},
	{"ConcurrentLeases", conformConcurrentLeases},
	{"OneWinner", conformOneWinner},
	{"Histories", conformHistories},
}

func (e Engine) withDefaults() Engine {
	if e.Unit == 0 {
		e.Unit = time.Second
	}
	if e.Histories == 0 {
		e.Histories = 20
	}
	return e
}
