package inspect

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"0": count(0), "999": count(999), "1,000": count(1000), "12,345,678": count(12_345_678), "-1,000": count(-1000), "-100": count(-100),
		"0 ": short(0) + " ", "1.5": short(1.5), "12.3": short(12.34), "123": short(123.4), "1.23k": short(1234), "1k": short(999.9),
		"45.7M": short(45_678_901), "–": short(math.NaN()), "100 %": percent(1), "99.9 %": percent(0.9994), "0 %": percent(0),
		"3/s": perSecond(short)(3), "512 B": byteCount(512), "1.23 kB": byteCount(1234), "5 MB": byteCount(5e6),
		"0 s": span(0), "1 µs": span(time.Microsecond), "250 µs": span(250 * time.Microsecond), "1.5 ms": span(1500 * time.Microsecond),
		"1 s": span(time.Second), "59.9 s": span(59900 * time.Millisecond), "1 min": span(time.Minute),
		"1 min 1 s": span(61 * time.Second), "1 h 2 min": span(time.Hour + 2*time.Minute + time.Second), "2 d": span(48 * time.Hour),
		"11 d 13 h": span(1_000_000 * time.Second), "20 ms": seconds(0.02),
	} {
		require.Equal(t, want, got)
	}
	now := time.Unix(1000, 0)
	require.Equal(t, "now", ago(now, now))
	require.Equal(t, "now", ago(now.Add(time.Hour), now), "clocks differ")
	require.Equal(t, "59 s ago", ago(now.Add(-60*time.Second+1), now))
	require.Equal(t, "0 s", in(now.Add(-time.Hour), now))
	require.Equal(t, "1 h", in(now.Add(time.Hour), now))
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"Ada & Grace <é>": "Ada & Grace <é>",
		"a\r\n\tb\x00":    `a\r\n\tb\x00`,
		"\xff":            `\xff`,
		"a\u202eb\u200bc": `a\u202eb\u200bc`,
		"1234567890":      "1234567890",
		"12345678901":     "1234567890…",
		"日本語日本語日本語日本":     "日本語日本語日本語日…",
	} {
		most := 10
		if len(want) > 15 {
			most = 20
		}
		if text == "日本語日本語日本語日本" {
			most = 10
		}
		require.Equal(t, want, printable(text, most))
	}
}

func TestScale(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, -1: 1, 1: 1, 1.1: 2, 4: 5, 5.01: 10, 99: 100, 100: 100, 0.0003: 0.0005, 2e9: 2e9} {
		require.InEpsilon(t, want, scale(most), 1e-9, "%v", most)
	}
	require.EqualValues(t, 1, scale(math.Inf(-1)), "of nothing")
	require.EqualValues(t, 1, scale(math.NaN()))
}

// A line has a gap where there is no value or no sample, and a dot for one alone.
func TestCurve(t *testing.T) {
	now := time.Unix(10_000, 0)
	at := func(ago int, value float64) point { return point{now.Add(-time.Duration(ago) * time.Second), value} }
	none := math.NaN()
	for _, c := range []struct {
		name   string
		points []point
		want   string
	}{
		{"nothing", nil, ""},
		{"no values", []point{at(2, none), at(1, none)}, ""},
		{"a dot", []point{at(0, 5)}, "M3000 400h0"},
		{"a line", []point{at(2, 0), at(1, 10), at(0, 20)}, "M2980 800h0l10 -800l10 0"},
		{"a gap in values", []point{at(3, 0), at(2, none), at(1, 10), at(0, 10)}, "M2970 800h0M2990 0h0l10 0"},
		{"a gap in time", []point{at(100, 0), at(0, 0)}, "M2000 800h0M3000 800h0"},
	} {
		require.Equal(t, c.want, curve(c.points, now, 10), c.name)
	}
}
