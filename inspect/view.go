package inspect

import (
	"math"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// What changes while the page is open is text and the paths of charts, each under a
// key. The same structs make the page and what is streamed to it, so that both say
// the same.

// cardView is a store among all, and the link to it.
type cardView struct {
	Name, URL string
	Current   bool
	State     textView // "ok", or what is wrong
	Numbers   []textView
}

// textView is a text that changes.
type textView struct {
	Key, Name, Text string
	Bad             bool // is to be seen at once
}

type chartView struct {
	Key, Title, Help string
	Top              string // the value at the top
	Lines            []lineView
	Double           bool
}

type lineView struct {
	Key, Name, Text string
	Path            string
	Class           string
}

// statsView is all that changes.
type statsView struct {
	Cards  []cardView
	Kind   string // of the one that is shown in full, as is all below
	Charts []chartView
	Disk   []chartView
	Facts  []textView // of what is on disk
}

// viewStats returns what there is to see of all stores, and of the one with the index
// given in full.
func viewStats(stores []Store, samples [][]sample, shown int, now time.Time) statsView {
	var v statsView
	for i, s := range stores {
		v.Cards = append(v.Cards, viewCard(s.name, samples[i], i == shown))
	}
	all := samples[shown]
	last := &all[len(all)-1]
	v.Kind = kind(&last.Stats)
	v.Charts = viewCharts(charts, all, now)
	v.Disk = viewCharts(diskCharts, all, now)
	v.Facts = viewFacts(&last.Stats, now)
	return v
}

func viewCharts(charts []chart, samples []sample, now time.Time) (views []chartView) {
	last := &samples[len(samples)-1].Stats
	for i := range charts {
		if c := &charts[i]; c.when == nil || c.when(last) {
			views = append(views, c.view(samples, now))
		}
	}
	return views
}

func kind(s *store.Stats) string {
	switch {
	case !s.Durable:
		return "In memory only"
	case journaled(s):
		return "On disk, with a journal"
	}
	return "On disk, by snapshots"
}

func viewCard(name string, samples []sample, current bool) cardView {
	last := &samples[len(samples)-1]
	before := &samples[max(0, len(samples)-6)] // five seconds
	d := last.at.Sub(before.at)
	operations := rate(func(s *store.Stats) uint64 { return s.Hits + s.Misses + s.Sets + s.Refusals })
	key := "card " + name + " "
	return cardView{
		Name: name, URL: query{Store: name, Sort: "accessed", Down: true}.with("store", name), Current: current,
		State: textView{Key: key + "state", Text: state(&last.Stats), Bad: state(&last.Stats) != "ok"},
		Numbers: []textView{
			{Key: key + "entries", Name: "entries", Text: count(last.Entries)},
			{Key: key + "hits", Name: "hits", Text: percent(hitRatio(&last.Stats, &before.Stats, d))},
			{Key: key + "operations", Name: "operations", Text: perSecond(short)(operations(&last.Stats, &before.Stats, d))},
		},
	}
}

func state(s *store.Stats) string {
	if s.ReadOnly {
		return "read-only"
	}
	return "ok"
}

func (c *chart) view(samples []sample, now time.Time) chartView {
	v := chartView{Key: c.key, Title: c.title, Help: c.help, Double: c.double}
	top, most := c.top, math.Inf(-1)
	lines := make([][]point, len(c.lines))
	for i := range c.lines {
		lines[i] = c.points(&c.lines[i], samples)
		most = max(most, highest(lines[i]))
	}
	if top == 0 {
		top = scale(most)
	}
	v.Top = c.format(top)
	for i, l := range c.lines {
		points := lines[i]
		v.Lines = append(v.Lines, lineView{
			Key: c.key + " " + l.key, Name: l.name, Class: "line-" + l.key,
			Text: c.format(points[len(points)-1].value), Path: curve(points, now, top),
		})
	}
	return v
}

// viewFacts returns what is told in words of a store with a folder.
func viewFacts(s *store.Stats, now time.Time) (facts []textView) {
	if !s.Durable {
		return nil
	}
	disk := textView{Key: "fact disk", Name: "Disk", Text: "works"}
	if s.ReadOnly {
		disk.Text, disk.Bad = "fails: the store is read-only", true
	}
	last := "none yet"
	if !s.LastSnapshot.IsZero() {
		last = ago(s.LastSnapshot, now)
		if s.LastSnapshotTook > 0 {
			last += ", took " + span(s.LastSnapshotTook)
		}
	}
	since := "no"
	if s.Unsaved {
		since = "yes"
	}
	facts = append(facts, disk,
		textView{Key: "fact snapshot", Name: "Last snapshot", Text: last},
		textView{Key: "fact unsaved", Name: "Changes since then", Text: since},
		textView{Key: "fact snapshots", Name: "Snapshots", Text: count(s.Snapshots)},
	)
	if s.SnapshotErrors > 0 {
		facts = append(facts, textView{Key: "fact failed", Name: "Failed snapshots", Text: count(s.SnapshotErrors), Bad: true})
	}
	if journaled(s) {
		facts = append(facts, textView{Key: "fact journal", Name: "Journal", Text: count(s.Journal.Records) + " changes, " + byteCount(float64(s.Journal.Bytes))})
	}
	facts = append(facts, textView{Key: "fact restored", Name: "Restored", Text: count(s.Restored) + " entries, " + count(s.Replayed) + " changes"})
	if s.TornBytes > 0 {
		facts = append(facts, textView{Key: "fact torn", Name: "Torn by a crash", Text: byteCount(float64(s.TornBytes))})
	}
	if s.DamagedSnapshots > 0 {
		facts = append(facts, textView{Key: "fact damaged", Name: "Damaged snapshots", Text: count(s.DamagedSnapshots), Bad: true})
	}
	return facts
}

// update is what is streamed: texts and paths by their keys.
type update struct {
	Texts map[string]string `json:"texts"`
	Paths map[string]string `json:"paths"`
	Bad   map[string]bool   `json:"bad"`
}

func (v *statsView) update() update {
	u := update{Texts: make(map[string]string), Paths: make(map[string]string), Bad: make(map[string]bool)}
	text := func(t textView) {
		u.Texts[t.Key] = t.Text
		if t.Bad {
			u.Bad[t.Key] = true
		}
	}
	for _, c := range v.Cards {
		text(c.State)
		for _, n := range c.Numbers {
			text(n)
		}
	}
	for _, f := range v.Facts {
		text(f)
	}
	for _, c := range slices.Concat(v.Charts, v.Disk) {
		u.Texts[c.Key+" top"] = c.Top
		for _, l := range c.Lines {
			u.Texts[l.Key], u.Paths[l.Key] = l.Text, l.Path
		}
	}
	return u
}
