package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	got := table{head: []string{"", "1", "2"}, rows: [][]string{{"otter", "1.00", "2.00"}, {"theine", "3.00", "4.00"}}}.String()
	want := "|  | 1 | 2 |\n|---|--:|--:|\n| otter | 1.00 | 2.00 |\n| theine | 3.00 | 4.00 |\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12_345: "12,345", 1_000_000: "1,000,000"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestMinutes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59_400 * time.Millisecond: "59 s", 59_600 * time.Millisecond: "1 min 0 s",
		9*time.Minute + 32*time.Second: "9 min 32 s", 75 * time.Minute: "75 min 0 s",
	} {
		if got := minutes(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// The ratio is ours by theirs, above 1 where we are faster: the median of 2, 3 and 0.2,
// not the ratio of medians. That of 16 goroutines and one is likewise the median of 3, 0.9
// and 5.
func TestSpeedTable(t *testing.T) {
	rivals := []*rival{
		{name: "latchkey LRU", ours: true, rates: [][]float64{{2, 9, 1}, {4, 4, 4}, {6, 8.1, 5}}},
		{name: "peer", rates: [][]float64{{1, 3, 5}, {8, 8, 8}, {6, 8.1, 5}}},
	}
	want := `|  | 1 | 2 | 16 | 16 ÷ 1 | LRU ÷ it |
|---|--:|--:|--:|--:|--:|
| latchkey LRU | 2.00 | 4.00 | 6.00 | 3.00 | 1.00 / 1.00 / 1.00 |
| peer | 3.00 | 8.00 | 6.00 | 2.70 | 2.00 / 0.50 / 1.00 |
`
	if diff := cmp.Diff(want, speedTable(rivals)); diff != "" {
		t.Error(diff)
	}
}
