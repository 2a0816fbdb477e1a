package storetest

import "github.com/latchkey-go/latchkey/persist"

// Examine returns what one of Codec's checks, or with "" all of them, find, in
// place of failing a test.
func Examine(check string, c persist.Codec, values ...any) (faults, notes []string) {
	var r report
	for _, ch := range codecChecks {
		if check == "" || check == ch.name {
			ch.run(&r, c, samples(values))
		}
	}
	return r.faults, r.notes
}

// Equal reports whether a codec may make b of a.
func Equal(a, b any) bool { return equal(a, b) }
