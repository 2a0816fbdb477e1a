package inspect

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The size of a chart, in its own units: x is the time, 10 units a second.
const (
	chartWidth  = 3000
	chartHeight = 800
)

// point is a value at a time; NaN = there is none.
type point struct {
	at    time.Time
	value float64
}

// scale returns the value at the top of a chart: a round one, not below what is in
// it.
func scale(most float64) float64 {
	if most <= 0 || math.IsNaN(most) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, m := range []float64{1, 2, 5} {
		if most <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// curve returns the line through points as an SVG path. It has a gap where there is no
// value, and where some samples were not taken.
func curve(points []point, now time.Time, top float64) string {
	var b strings.Builder
	var last time.Time
	x0, y0 := 0, 0
	for _, p := range points {
		if math.IsNaN(p.value) {
			last = time.Time{}
			continue
		}
		x := chartWidth - int(now.Sub(p.at)*chartWidth/kept)
		y := chartHeight - int(math.Round(min(p.value/top, 1)*chartHeight))
		if last.IsZero() || p.at.Sub(last) > 3*sampleInterval {
			b.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h0") // a dot, if nothing follows
		} else {
			b.WriteString("l" + strconv.Itoa(x-x0) + " " + strconv.Itoa(y-y0))
		}
		last, x0, y0 = p.at, x, y
	}
	return b.String()
}

// highest returns the highest of the values.
func highest(points []point) float64 {
	most := math.Inf(-1)
	for _, p := range points {
		if p.value > most {
			most = p.value
		}
	}
	return most
}
