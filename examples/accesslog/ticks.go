package main

import (
	"fmt"
	"time"
)

// maxTicks is the most dates that fit under the curve.
const maxTicks = 14

const day = 24 * time.Hour

// xTicks are round times: of the day, then days, months or years, as wide
// apart as is needed for their labels to fit.
func (p *plot) xTicks() []tick {
	for _, every := range []time.Duration{
		5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 7 * day, 14 * day,
	} {
		if p.to.Sub(p.from) <= maxTicks*every {
			return p.ticks(p.from.Truncate(every), func(t time.Time) time.Time { return t.Add(every) })
		}
	}
	months := 1
	for _, months = range []int{1, 3, 6, 12, 24, 60, 120, 240} {
		if p.to.Sub(p.from) <= time.Duration(maxTicks*months)*30*day {
			break
		}
	}
	first := int(p.from.Month()) - 1 + 12*p.from.Year()
	first -= first % months
	return p.ticks(time.Date(0, time.Month(first+1), 1, 0, 0, 0, 0, time.UTC),
		func(t time.Time) time.Time { return t.AddDate(0, months, 0) })
}

// ticks are the times from t on that lie within the picture.
func (p *plot) ticks(t time.Time, next func(time.Time) time.Time) []tick {
	var ticks []tick
	for ; !t.After(p.to); t = next(t) {
		if !t.Before(p.from) {
			label, strong := timeLabel(t, next(t).Sub(t))
			ticks = append(ticks, tick{At: p.x(t), Label: label, Strong: strong})
		}
	}
	return ticks
}

// timeLabel names a time as briefly as its neighbours, every apart, allow, and
// reports whether a new day or year begins there.
func timeLabel(t time.Time, every time.Duration) (label string, strong bool) {
	midnight := t.Equal(t.Truncate(day))
	newYear := midnight && t.YearDay() == 1
	switch {
	case every < day && !midnight:
		return t.Format("15:04"), false
	case every < day:
		return t.Format("Mon 2 Jan"), true
	case every < 28*day && !newYear:
		return t.Format("2 Jan"), false
	case every < 300*day && !newYear:
		return t.Format("Jan"), false
	}
	return t.Format("2006"), every < 300*day
}

// inWords names the length of a step.
func inWords(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "minute"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d == time.Hour:
		return "hour"
	case d < day:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d == day:
		return "day"
	}
	return fmt.Sprintf("%d days", d/day)
}
