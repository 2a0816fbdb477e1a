package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func drawn(t *testing.T, l *timeline, capacity int) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writePlot(&b, l, `a "<log>" & more`, capacity))
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
	}
	require.NotContains(t, b.String(), "NaN")
	require.NotContains(t, b.String(), "Inf")
	return b.String()
}

func TestPlot(t *testing.T) {
	var l timeline
	l.set(noon, 1)
	l.set(noon.Add(20*time.Hour), 1_234)
	l.set(noon.Add(30*time.Hour), 7)
	svg := drawn(t, &l, 2_000)
	for _, want := range []string{
		">Live sessions<", "a &#34;&lt;log&gt;&#34; &amp; more", ">1,234 on 3 March 2026, 08:00<", ">capacity 2,000<", "class=\"capacity\" x1=\"64\"",
		">Tue 3 Mar<", ">18:00<", ">1,000<", "prefers-color-scheme: dark",
	} {
		require.Contains(t, svg, want)
	}
	require.NotContains(t, drawn(t, &l, 0), ">capacity")
	require.Contains(t, drawn(t, &l, 1_000_000), ">capacity 1,000,000, far above the picture<")
	require.NotContains(t, drawn(t, &l, 1_000_000), "class=\"capacity\" x1=\"64\"")
}

func TestPlotOfOneRequest(t *testing.T) {
	var l timeline
	l.set(noon, 1)
	require.Contains(t, drawn(t, &l, 0), ">1 on 2 March 2026, 12:00<")
}

func TestPlotOfTheSample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.svg")
	o := runHere("", "-plot", path)
	require.Equal(t, 0, o.status, o.stderr)
	svg, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(svg), "synthetic sample · 1 March 2026 to 3 March 2026")
	_, rest, _ := strings.Cut(o.last(), "peak=")
	peak, _, _ := strings.Cut(rest, " ")
	require.Contains(t, string(svg), ">"+peak+" on ")
}

// TestPlotTicks counts the dates under the curve for logs of all lengths.
func TestPlotTicks(t *testing.T) {
	for length := time.Minute; length < 120*365*day; length += length/4 + time.Second {
		var l timeline
		l.set(noon, 1)
		l.set(noon.Add(length), 2)
		p := plot{timeline: &l, from: l.start, to: l.end(), ceiling: 3}
		ticks := p.xTicks()
		require.LessOrEqual(t, len(ticks), maxTicks+1, length)
		require.NotEmpty(t, ticks, length)
		for _, tick := range ticks {
			require.GreaterOrEqual(t, tick.At, plotLeft)
			require.LessOrEqual(t, tick.At, plotRight+0.01)
		}
	}
}

func TestPlotLevels(t *testing.T) {
	for ceiling := 4.0; ceiling < 1e7; ceiling *= 1.3 {
		p := plot{ceiling: ceiling}
		ticks := p.yTicks()
		require.LessOrEqual(t, len(ticks), 7, ceiling)
		require.GreaterOrEqual(t, len(ticks), 3, ceiling)
	}
}

// TestTimeline compares the steps with a list of every second.
func TestTimeline(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, seed))
		var l timeline
		var levels []int // by second
		start := noon.Add(time.Duration(rng.IntN(7200)) * time.Second)
		level, peak := 0, 0
		mosts := map[time.Time]int{} // levels that lasted no time
		for range 1 + rng.IntN(60) {
			at := start.Add(time.Duration(len(levels)) * time.Second)
			level = rng.IntN(20)
			l.set(at, level)
			mosts[at] = max(mosts[at], level)
			peak = max(peak, level)
			for range rng.IntN(3) * rng.IntN(4000) {
				levels = append(levels, level)
			}
		}
		end := start.Add(time.Duration(len(levels)) * time.Second)
		l.set(end, level)

		require.Equal(t, peak, l.peak)
		require.LessOrEqual(t, len(l.steps), maxSteps)
		require.Equal(t, start, l.first)
		require.False(t, end.After(l.end()))
		for i, s := range l.steps {
			from := l.start.Add(time.Duration(i) * l.width)
			most, area := 0, 0
			for at, level := range mosts {
				if !at.Before(from) && at.Before(from.Add(l.width)) {
					most = max(most, level)
				}
			}
			for sec := range l.width / time.Second {
				if n := int(from.Sub(start)/time.Second + sec); n >= 0 && n < len(levels) {
					most = max(most, levels[n])
					area += levels[n]
				}
			}
			require.Equal(t, most, s.most, fmt.Sprint("seed ", seed, " step ", i))
			require.InDelta(t, area, s.area, 1e-6)
		}
	}
}
