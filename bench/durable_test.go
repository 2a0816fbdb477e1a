package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{atMost(1.3, 1.3), "at most 1.3: met"},
		{atMost(1.31, 1.3), "at most 1.3: **missed**"},
		{atLeast(10, 10), "at least 10: met"},
		{atLeast(9.9, 10), "at least 10: **missed**"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestInterleave(t *testing.T) {
	var order []string
	round := func(name string, results ...float64) contestant {
		return contestant{name, func() (float64, error) {
			order = append(order, name)
			result := results[0]
			results = results[1:]
			return result, nil
		}}
	}
	got, err := interleave(3, []contestant{round("a", 1, 9, 2), round("b", 30, 10, 20)})
	if err != nil || !slices.Equal(got, []float64{2, 20}) {
		t.Errorf("got %v, %v", got, err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("rounds came in order %v, want %v", order, want)
	}
	failing := errors.New("failing")
	_, err = interleave(3, []contestant{{"c", func() (float64, error) { return 0, failing }}})
	if !errors.Is(err, failing) || !strings.HasPrefix(err.Error(), "c: ") {
		t.Errorf("got %v", err)
	}
}

// What a table leaves goes with it, and the folder when the run ends; a table that
// fails is no exception.
func TestFolderGoes(t *testing.T) {
	d := &durable{parent: t.TempDir()}
	ended := 0
	leave := func(d *durable) error {
		d.atEnd(func() error { ended++; return nil })
		if entries, err := os.ReadDir(d.dir); err != nil || len(entries) > 0 {
			t.Errorf("a table begins with %v, %v", entries, err)
		}
		return os.WriteFile(d.path("file"), []byte("x"), 0o600)
	}
	failing := errors.New("failing")
	if err := errors.Join(d.makeTable(leave), d.makeTable(leave)); err != nil {
		t.Fatal(err)
	}
	err := d.makeTable(func(d *durable) error { return errors.Join(leave(d), failing) })
	if !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	if err := d.close(); err != nil || ended != 3 {
		t.Errorf("%d of 3 ended: %v", ended, err)
	}
	if entries, err := os.ReadDir(d.parent); err != nil || len(entries) > 0 {
		t.Errorf("the run leaves %v, %v", entries, err)
	}
}

func TestHammer(t *testing.T) {
	failing := errors.New("failing")
	perSecond, n, err := hammer(4, 10, 0, func(int) error { return nil })
	if perSecond != 0 || n != 0 || err != nil {
		t.Errorf("got %v a second, %d, %v in no time", perSecond, n, err)
	}
	calls := 0
	_, n, err = hammer(1, 10, 1<<40, func(int) error {
		if calls++; calls == 25 {
			return failing
		}
		return nil
	})
	if n != 24 || !errors.Is(err, failing) {
		t.Errorf("%d done, %v; want 24 and the error", n, err)
	}
}
