package main

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"strings"
	"text/template"
	"time"

	"github.com/dustin/go-humanize"
)

//go:embed plot.svg.tmpl
var plotText string

var plotTemplate = template.Must(template.New("plot").Parse(plotText))

// The frame of the curve in the picture, in pixels.
const (
	plotLeft, plotRight = 64.0, 1136.0
	plotTop, plotBottom = 104.0, 396.0
)

// plot is a picture of a timeline, ready for the template.
type plot struct {
	Subtitle       string
	Left, Right    float64
	Top, Bottom    float64
	Most, Mean     string // paths
	Step           string // length of a step, in words
	XTicks, YTicks []tick
	Peak           mark
	Capacity       string // "" = none
	CapacityY      float64
	AboveAll       bool // the capacity is too high to be in the picture
	timeline       *timeline
	from, to       time.Time
	ceiling        float64
}

// tick is a line of the grid. A strong one begins a day or a year.
type tick struct {
	At     float64
	Label  string
	Strong bool
}

// mark is a point with a word on it.
type mark struct {
	X, Y   float64
	Label  string
	Anchor string
}

// writePlot draws how many sessions were alive over time. Capacity 0 is none.
func writePlot(w io.Writer, l *timeline, subtitle string, capacity int) error {
	p := &plot{
		Subtitle: subtitle,
		Left:     plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom,
		Step:     inWords(l.width),
		timeline: l, from: l.start, to: l.end(),
		ceiling: float64(max(l.peak, 4)) * 1.12,
	}
	if capacity > 0 {
		p.Capacity = humanize.Comma(int64(capacity))
		if p.AboveAll = capacity > 2*l.peak; !p.AboveAll {
			p.ceiling = max(p.ceiling, 1.08*float64(capacity))
			p.CapacityY = p.y(float64(capacity))
		}
	}
	p.Most, p.Mean = p.mostPath(), p.meanPath()
	p.XTicks, p.YTicks = p.xTicks(), p.yTicks()
	p.Peak = p.peak()
	return plotTemplate.Execute(w, p)
}

func (p *plot) x(t time.Time) float64 {
	return plotLeft + (plotRight-plotLeft)*t.Sub(p.from).Seconds()/p.to.Sub(p.from).Seconds()
}

func (p *plot) y(n float64) float64 {
	return plotBottom - (plotBottom-plotTop)*n/p.ceiling
}

// mostPath is the outline of the most sessions alive in each step.
func (p *plot) mostPath() string {
	var path strings.Builder
	fmt.Fprintf(&path, "M%.1f %.1f", plotLeft, plotBottom)
	for i, s := range p.timeline.steps {
		end := p.timeline.start.Add(time.Duration(i+1) * p.timeline.width)
		fmt.Fprintf(&path, "V%.1fH%.1f", p.y(float64(s.most)), p.x(end))
	}
	fmt.Fprintf(&path, "V%.1fZ", plotBottom)
	return path.String()
}

// meanPath is the line of the sessions alive on average, through the middle
// of the steps.
func (p *plot) meanPath() string {
	var path strings.Builder
	for i, s := range p.timeline.steps {
		middle := p.timeline.start.Add(time.Duration(i)*p.timeline.width + p.timeline.width/2)
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, p.x(middle), p.y(s.mean()))
	}
	return path.String()
}

func (p *plot) peak() mark {
	l := p.timeline
	m := mark{
		X: p.x(l.peakAt.Truncate(l.width).Add(l.width / 2)), Y: p.y(float64(l.peak)),
		Label:  fmt.Sprintf("%s on %s", humanize.Comma(int64(l.peak)), l.peakAt.Format("2 January 2006, 15:04")),
		Anchor: "middle",
	}
	switch room := 110.0; {
	case m.X < plotLeft+room:
		m.Anchor = "start"
	case m.X > plotRight-room:
		m.Anchor = "end"
	}
	return m
}

// yTicks are at most six round numbers of sessions.
func (p *plot) yTicks() []tick {
	unit := math.Pow(10, math.Floor(math.Log10(p.ceiling)))
	for _, part := range []float64{0.2, 0.5, 1, 2} {
		if p.ceiling <= 6*part*unit {
			unit *= part
			break
		}
	}
	unit = max(1, math.Round(unit))
	var ticks []tick
	for n := 0.0; n <= p.ceiling; n += unit {
		ticks = append(ticks, tick{At: p.y(n), Label: humanize.Comma(int64(n)), Strong: n == 0})
	}
	return ticks
}
