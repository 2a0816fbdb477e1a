package persist_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

var kills = flag.Int("kills", 1000, "how often TestKill kills")

const (
	killDir  = "LATCHKEY_TEST_KILL_DIR"
	killSync = "LATCHKEY_TEST_KILL_SYNC"
)

// The victim has writers with keys of their own.
const (
	victimWriters = 4
	victimKeys    = 5 // of each
)

// TestVictim is what the process does that TestKill kills: it opens the store,
// tells what is in it, and then of each change that it tries it, and that it was
// acknowledged.
func TestVictim(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		return
	}
	sync, err := strconv.Atoi(os.Getenv(killSync))
	require.NoError(t, err)
	s, err := store.New(store.Options[string, string]{Persist: persist.Config{
		Dir: dir, Sync: persist.Sync(sync), MinJournal: 1 << 15, // so that compaction is often under way
	}})
	require.NoError(t, err)
	for key, value := range s.All() {
		tell("holds", key, value)
	}
	tell("opened", "", "")
	for w := range victimWriters {
		go func() {
			for r := rand.New(rand.NewPCG(rand.Uint64(), 0)); ; {
				victimChange(t, s, fmt.Sprint(w, "/", r.IntN(victimKeys)), r)
			}
		}()
	}
	select {} // until it is killed
}

func victimChange(t *testing.T, s *store.Store[string, string], key string, r *rand.Rand) {
	if r.IntN(4) == 0 {
		tell("tries", key, "")
		require.NoError(t, s.Delete(key))
		tell("has", key, "")
		return
	}
	value := strconv.FormatUint(r.Uint64(), 36) + strings.Repeat("x", r.IntN(300))
	tell("tries", key, value)
	require.NoError(t, s.Set(key, value))
	tell("has", key, value)
}

// tell writes a line, in one piece.
func tell(what, key, value string) {
	_, _ = os.Stdout.WriteString(what + " " + key + " " + value + "\n")
}

// ledger is what is known of the victim's store: for each key the states that it
// may be in, the oldest first. The first was acknowledged.
type ledger map[string][]string

func (l ledger) states(key string) []string {
	if l[key] == nil {
		return []string{""} // it is not there
	}
	return l[key]
}

// note takes in a line of the victim's.
func (l ledger) note(line string) error {
	what, rest, _ := strings.Cut(line, " ")
	key, value, ok := strings.Cut(rest, " ")
	switch {
	case !ok: // it was killed in the middle of it
	case what == "tries":
		l[key] = append(l.states(key), value)
	case what == "has":
		for i, state := range l[key] {
			if state == value {
				l[key] = l[key][i:]
				return nil
			}
		}
		return fmt.Errorf("%s was acknowledged and never tried", key)
	}
	return nil
}

// open makes sure that a store holds what was acknowledged, or what was tried
// since, and notes which it is.
func (l ledger) open(held map[string]string) error {
	for key := range held {
		if l[key] == nil {
			return fmt.Errorf("%s was never there", key)
		}
	}
	for key, states := range l {
		value := held[key]
		found := false
		for _, state := range states {
			found = found || state == value
		}
		if !found {
			return fmt.Errorf("%s is %.20q, which is none of its %d states since %.20q was acknowledged", key, value, len(states), states[0])
		}
		l[key] = []string{value}
	}
	return nil
}

// A process that writes to a store is killed, again and again. What was
// acknowledged is there in the next one.
func TestKill(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		testenv.Missing(t, "a system with SIGKILL")
	}
	times := *kills
	if testenv.Race {
		times /= 20
	}
	var all sync.WaitGroup
	for _, sync := range []persist.Sync{persist.Always, persist.EverySecond} {
		dir := t.TempDir()
		all.Go(func() {
			l := make(ledger)
			for i := range times / 2 {
				if err := killOnce(dir, sync, l); err != nil {
					t.Errorf("%v, kill %d: %v", sync, i, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func killOnce(dir string, sync persist.Sync, l ledger) error {
	cmd := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), killDir+"="+dir, killSync+"="+strconv.Itoa(int(sync)))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = follow(bufio.NewReader(stdout), cmd, l)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return err
}

// follow takes in what the victim tells, and kills it after some acknowledgements.
func follow(in *bufio.Reader, victim *exec.Cmd, l ledger) error {
	held := make(map[string]string)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("it did not open: %w (last line %q)", err, line)
		}
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if what == "opened" {
			break
		}
		key, value, ok := strings.Cut(rest, " ")
		if what != "holds" || !ok {
			return fmt.Errorf("it says %q", line)
		}
		held[key] = value
	}
	if err := l.open(held); err != nil {
		return err
	}
	patience := time.AfterFunc(time.Duration(rand.IntN(12))*time.Millisecond, func() { _ = victim.Process.Kill() })
	defer patience.Stop()
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil // it is dead; the rest of a line counts for nothing
		}
		if err != nil {
			return err
		}
		if err := l.note(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
}
