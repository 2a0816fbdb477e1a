package inspect

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// none stands where there is no number.
const none = "–"

// count returns a whole number in groups of three digits.
func count[N int | int64 | uint64](n N) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// short returns a number in three digits or so: 12.3k.
func short(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	unit := ""
	for _, u := range []string{"k", "M", "G", "T"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	return threeDigits(v) + unit
}

func threeDigits(v float64) string {
	digits := 0
	switch {
	case v == math.Trunc(v):
	case math.Abs(v) < 9.995:
		digits = 2
	case math.Abs(v) < 99.95:
		digits = 1
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// perSecond has a format be of something in a second.
func perSecond(format func(float64) string) func(float64) string {
	return func(v float64) string {
		if math.IsNaN(v) {
			return none
		}
		return format(v) + "/s"
	}
}

func percent(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return strings.TrimSuffix(strconv.FormatFloat(100*v, 'f', 1, 64), ".0") + " %"
}

// byteCount returns a number of bytes in decimal units.
func byteCount(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	unit := " B"
	for _, u := range []string{" kB", " MB", " GB", " TB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	return threeDigits(v) + unit
}

// seconds returns a duration that is given in seconds.
func seconds(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return span(time.Duration(v * float64(time.Second)))
}

// span returns a duration in its two largest units, or in three digits below a
// minute.
func span(d time.Duration) string {
	for _, u := range []struct {
		unit, part         time.Duration
		unitName, partName string
	}{
		{24 * time.Hour, time.Hour, "d", "h"},
		{time.Hour, time.Minute, "h", "min"},
		{time.Minute, time.Second, "min", "s"},
	} {
		if d >= u.unit {
			if rest := d % u.unit / u.part; rest > 0 {
				return fmt.Sprintf("%d %s %d %s", d/u.unit, u.unitName, rest, u.partName)
			}
			return fmt.Sprintf("%d %s", d/u.unit, u.unitName)
		}
	}
	switch {
	case d >= time.Second:
		return threeDigits(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return threeDigits(float64(d)/1e6) + " ms"
	case d > 0:
		return threeDigits(float64(d)/1e3) + " µs"
	}
	return "0 s"
}

// ago returns how long before now a time was, in whole seconds.
func ago(t, now time.Time) string {
	d := now.Sub(t).Truncate(time.Second)
	if d < time.Second {
		return "now"
	}
	return span(d) + " ago"
}

// in returns how long after now a time is, in whole seconds.
func in(t, now time.Time) string { return span(max(0, t.Sub(now).Truncate(time.Second))) }

// printable returns text in which all can be seen, cut to so many characters.
func printable(text string, most int) string {
	var b strings.Builder
	for text != "" {
		if most--; most < 0 {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, text[0])
		} else if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return b.String()
}
