package persist

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrMixed is for entries that come from files with different [Contents], and can't
// go into one.
var ErrMixed = errors.New("persist: entries of different kinds")

// Group is records that can stand in one file.
type Group struct {
	Contents Contents
	Records  []Record
	// Older is how many of the records, the last ones, [Salvage] has taken from
	// an older snapshot, as the newer one is damaged and can't tell whether it
	// had them: they may have been changed or deleted since.
	Older int
}

// Common returns the contents that a file with all of the records must have; zero
// if the folder has never held any.
//
// Each process that uses [Encrypt] seals the descriptions of [Gob] anew. Only with
// that codec, c, can be seen that they are the same; c is nil otherwise.
//
// Errors: [ErrMixed].
func (r *Recovered) Common(c Codec) (Contents, error) {
	groups := group(r.Records, c)
	switch len(groups) {
	case 0:
		return r.Contents, nil
	case 1:
		return groups[0].Contents, nil
	}
	return Contents{}, fmt.Errorf("%w: %d of the %d entries have other descriptions of their types than the rest, or the same ones sealed apart, and can't go into one snapshot with it; open the folder with the program that it belongs to, which brings them together, and take a snapshot there",
		ErrMixed, len(r.Records)-len(groups[0].Records), len(r.Records))
}

// group sorts records by their contents, the largest group first.
func group(records []Record, c Codec) []Group {
	var groups []Group
	place := make(map[*Contents]int) // in groups
	byText := make(map[string]int)   // likewise
	for _, r := range records {
		i, known := place[r.In]
		if !known {
			text := identify(*r.In, c)
			i, known = byText[text]
			if !known {
				i = len(groups)
				groups = append(groups, Group{Contents: *r.In})
				byText[text] = i
			}
			place[r.In] = i
		}
		groups[i].Records = append(groups[i].Records, r)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(len(b.Records), len(a.Records)) })
	return groups
}

// identify returns a text that is the same for contents that can stand for each
// other.
func identify(in Contents, c Codec) string {
	keys, values := opened(c, in.Keys), opened(c, in.Values)
	return fmt.Sprintf("%q %q %t %x %t %x", in.Codec, in.Schema, in.Keys != nil, keys, in.Values != nil, values)
}

// opened returns what is sealed in data, if that is what it is and c has the key:
// then it is the same whenever what was sealed is. Else it returns data.
func opened(c Codec, data []byte) []byte {
	if e, ok := c.(*encrypted); ok {
		if plain, err := e.open(data); err == nil {
			return plain
		}
	}
	return data
}
