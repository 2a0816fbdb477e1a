package main

import "time"

// maxSteps is about how many steps a plot can show.
const maxSteps = 600

// widths are the lengths a step can have. Each is a multiple of the one before,
// so that steps can be joined; beyond the last one they double.
var widths = []time.Duration{
	time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// timeline keeps how many sessions were alive at any time in at most maxSteps
// steps of equal length: when the log goes on longer, the steps grow.
type timeline struct {
	first  time.Time // when it begins
	start  time.Time // of the first step
	width  time.Duration
	steps  []step
	now    time.Time
	level  int // sessions alive now
	peak   int
	peakAt time.Time
}

// step is one stretch of a timeline.
type step struct {
	most int           // sessions alive at the same time
	area float64       // sessions times seconds
	span time.Duration // how much of the step has passed
}

// mean returns the sessions alive on average.
func (s step) mean() float64 {
	if s.span == 0 {
		return float64(s.most)
	}
	return s.area / s.span.Seconds()
}

// set says that from t on level sessions are alive. t never runs backwards.
func (l *timeline) set(t time.Time, level int) {
	if l.width == 0 {
		l.width = widths[0]
		l.first, l.start, l.now = t, t.Truncate(l.width), t
	}
	for t.Sub(l.start) >= maxSteps*l.width {
		l.widen()
	}
	for l.now.Before(t) {
		s, end := l.current()
		if end.After(t) {
			end = t
		}
		span := end.Sub(l.now)
		s.most = max(s.most, l.level)
		s.area += float64(l.level) * span.Seconds()
		s.span += span
		l.now = end
	}
	l.level = level
	s, _ := l.current()
	s.most = max(s.most, level)
	if level > l.peak {
		l.peak, l.peakAt = level, t
	}
}

// current returns the step that now is in, and its end.
func (l *timeline) current() (*step, time.Time) {
	i := int(l.now.Sub(l.start) / l.width)
	for len(l.steps) <= i {
		l.steps = append(l.steps, step{})
	}
	return &l.steps[i], l.start.Add(time.Duration(i+1) * l.width)
}

// end returns the end of the last step.
func (l *timeline) end() time.Time {
	return l.start.Add(time.Duration(len(l.steps)) * l.width)
}

// widen joins the steps to longer ones.
func (l *timeline) widen() {
	width := 2 * l.width
	for _, w := range widths {
		if w > l.width {
			width = w
			break
		}
	}
	// Truncate counts from one fixed time, so steps of a day begin at midnight.
	start := l.start.Truncate(width)
	var steps []step
	for i, old := range l.steps {
		at := int(l.start.Add(time.Duration(i)*l.width).Sub(start) / width)
		for len(steps) <= at {
			steps = append(steps, step{})
		}
		s := &steps[at]
		s.most = max(s.most, old.most)
		s.area += old.area
		s.span += old.span
	}
	l.start, l.width, l.steps = start, width, steps
}
