package inspect_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func TestActions(t *testing.T) {
	s := open(t, store.Options[string, int]{Persist: persist.Config{Dir: "/data", FS: disk.New()}})
	for _, key := range []string{"a", "b"} {
		require.NoError(t, s.Set(key, 1))
	}
	lease, err := s.TryLock("a", 0)
	require.NoError(t, err)
	var log bytes.Buffer
	h := handler(t, inspect.Options{
		Stores:  []inspect.Store{inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself})},
		Actions: allActions, Authorize: everybody, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	b := newBrowser(t, h).open(page + "?sort=key&q=a")
	stale := b.form("a", "unlock")
	require.Equal(t, "The lease was taken from its holder.", b.press("a", "unlock"))
	require.Equal(t, store.ErrLeaseLost, lease.Set(2))
	require.Equal(t, "a", b.doc.Find("#q").AttrOr("value", ""), "back where it was")
	require.Equal(t, "ascending", b.doc.Find("th[aria-sort]").AttrOr("aria-sort", ""))

	says := func(form map[string][]string) string {
		response := b.send(form)
		require.Equal(t, http.StatusSeeOther, response.StatusCode)
		to := response.Header.Get("Location")
		return b.open(page + to[len("/debug/latchkey/"):]).doc.Find(".outcome").Text()
	}
	require.Equal(t, "The entry was not locked.", says(stale))
	_, err = s.TryLock("a", 0)
	require.NoError(t, err)
	toDelete := b.form("a", "delete")
	require.Equal(t, "The entry is locked. Unlock it first.", says(toDelete))
	require.True(t, s.Has("a"))
	require.True(t, s.ForceUnlock("a"))
	require.Equal(t, "The entry was deleted.", says(toDelete))
	require.False(t, s.Has("a"))
	require.Equal(t, "There is no such entry any more.", says(toDelete))

	require.Equal(t, "A snapshot was taken.", b.open(page).press("", "snapshot"))
	require.EqualValues(t, 1, s.Stats().Snapshots)
	require.Contains(t, log.String(), "action=unlock store=sessions outcome=unlocked")
	require.NotContains(t, log.String(), "key=a")

	toDelete = b.form("b", "delete")
	require.NoError(t, s.Close())
	require.Equal(t, "There is no such entry any more.", says(toDelete))
}

// Nothing is offered unless it was asked for.
func TestActionsAreOff(t *testing.T) {
	s := open(t, store.Options[string, int]{Persist: persist.Config{Dir: "/data", FS: disk.New()}})
	memory := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 1))
	require.NoError(t, memory.Set("a", 1))
	stores := []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself}),
		inspect.Source("memory", memory, inspect.SourceOptions[string, int]{Key: itself}),
	}
	for _, c := range []struct {
		actions []inspect.Action
		name    string
		buttons int // beside that to pause and that to search
	}{
		{nil, "sessions", 0},
		{[]inspect.Action{inspect.Unlock}, "sessions", 1},
		{[]inspect.Action{inspect.Delete}, "sessions", 1},
		{[]inspect.Action{inspect.Snapshot}, "sessions", 1},
		{[]inspect.Action{inspect.Snapshot}, "memory", 0},
		{allActions, "sessions", 3},
	} {
		t.Run(fmt.Sprint(c.actions, c.name), func(t *testing.T) {
			h := handler(t, inspect.Options{Stores: stores, Actions: c.actions, Authorize: everybody})
			b := newBrowser(t, h).open(page + "?store=" + c.name)
			require.Equal(t, 2+c.buttons, b.doc.Find("button").Length())
			require.Equal(t, len(c.actions) > 0, b.cookie != nil, "a cookie only for forms")
		})
	}
}

// A store that is read-only says so, and what was not done.
func TestReadOnlyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk.Fails(disk.New(), nil)
		s := open(t, store.Options[string, int]{Persist: persist.Config{Dir: "/data", FS: d, Sync: persist.Always}})
		defer s.Close()
		require.NoError(t, s.Set("a", 1))
		h := handler(t, inspect.Options{
			Stores:  []inspect.Store{inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself})},
			Actions: allActions, Authorize: everybody,
		})
		b := newBrowser(t, h).open(page)
		require.Equal(t, "ok", b.doc.Find(".card .state").Text())
		d.SetPlan(func(disk.Call) (disk.Fault, error) { return disk.Refused, errNo })
		defer d.Heal()
		require.Error(t, s.Set("b", 1))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, "The store is read-only: its disk fails.", b.press("a", "delete"))
		require.Equal(t, "read-only", b.doc.Find(".card .state.bad").Text())
		require.Contains(t, b.doc.Find(".facts dd.bad").Text(), "the store is read-only")
		require.Equal(t, "That failed. The log of the program may say why.", b.press("", "snapshot"))
	})
}
