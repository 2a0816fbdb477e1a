package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// panel is a row of a plot: a group of bars for each column, drawn to one scale.
type panel struct {
	title   string
	columns []string
	bars    []bar
}

type bar struct {
	name   string
	ours   bool
	values []float64 // by column; none may be negative
}

// add adds a bar for each column. What stands in brackets behind the name is for
// tables, which have room, and "clock" as well.
func (p *panel) add(name string, ours bool, values ...float64) {
	name, _, _ = strings.Cut(name, " (")
	name = strings.TrimSuffix(name, " clock")
	p.bars = append(p.bars, bar{name, ours, values})
}

// plot writes a plot of the panels, one below the other, if plots are wanted.
func (b *bench) plot(name string, panels ...panel) error {
	if b.plots == "" {
		return nil
	}
	if err := os.MkdirAll(b.plots, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.plots, name+".svg"), []byte(svg(panels)), 0o644)
}

// Measures of a plot, in pixels.
const (
	plotWidth  = 860
	plotMargin = 24
	nameWidth  = 160
	valueWidth = 44 // of a number behind a bar
	barHeight  = 13
	barStep    = 18
	titleStep  = 36 // of a panel's title
	columnStep = 22 // of its columns' names, if they have any
	panelGap   = 26
)

// svg draws panels of bars on a white card, which is readable on a dark page too.
func svg(panels []panel) string {
	height := 2*plotMargin - panelGap
	for _, p := range panels {
		height += p.height() + panelGap
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="-apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="12">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&out, `<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" fill="#ffffff" stroke="#d0d7de"/>`+"\n", plotWidth-1, height-1)
	y := plotMargin
	for _, p := range panels {
		y = p.draw(&out, y) + panelGap
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func (p panel) height() int {
	height := titleStep + len(p.bars)*barStep
	if p.named() {
		height += columnStep
	}
	return height
}

// named reports whether the columns have names.
func (p panel) named() bool { return p.columns[0] != "" }

// draw draws the panel from y on down, and returns where it ends.
func (p panel) draw(out *strings.Builder, y int) int {
	most := 0.0
	for _, b := range p.bars {
		for _, v := range b.values {
			most = max(most, v)
		}
	}
	label(out, plotMargin, y+14, `font-size="15" font-weight="600" fill="#1f2328"`, p.title)
	left := plotMargin + nameWidth
	column := (plotWidth - left - plotMargin) / len(p.columns)
	y += titleStep
	if p.named() {
		for i, name := range p.columns {
			label(out, left+i*column, y+6, `fill="#59636e"`, name)
		}
		y += columnStep
	}
	fmt.Fprintf(out, `<g stroke="#d0d7de">`)
	for i := range p.columns {
		fmt.Fprintf(out, `<path d="M%d.5 %dV%d"/>`, left+i*column-1, y-5, y+len(p.bars)*barStep)
	}
	out.WriteString("</g>\n")
	for _, b := range p.bars {
		fill, style := "#a3adb8", `fill="#1f2328" text-anchor="end"`
		if b.ours {
			fill, style = "#0969da", `fill="#0969da" font-weight="600" text-anchor="end"`
		}
		label(out, left-10, y+11, style, b.name)
		for i, v := range b.values {
			width := 0.0
			if most > 0 {
				width = v / most * float64(column-valueWidth-8)
			}
			x := left + i*column
			fmt.Fprintf(out, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`, x, y, width, barHeight, fill)
			label(out, x+int(width)+6, y+11, `fill="#59636e" font-size="11"`, figure(v))
		}
		y += barStep
	}
	return y
}

// label writes a text at a place.
func label(out *strings.Builder, x, y int, style, text string) {
	fmt.Fprintf(out, `<text x="%d" y="%d" %s>`, x, y, style)
	_ = xml.EscapeText(out, []byte(text)) // a Builder's Write can't fail
	out.WriteString("</text>\n")
}

// figure returns a number in three digits or so.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
