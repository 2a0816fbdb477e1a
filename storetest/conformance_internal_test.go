package storetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// On a real clock, a check that fails has another try, with more time, if it was late
// and waits for time to pass; else it has failed.
func TestLateChecksHaveAnotherTry(t *testing.T) {
	for _, test := range []struct {
		name        string
		asked, took time.Duration // in Units
		failing     int           // tries
		want        []time.Duration
		failed      bool
	}{
		{"in time", 3, 3, 1, []time.Duration{1}, true},
		{"late", 3, 5, 2, []time.Duration{1, 2, 4}, false},
		{"late each time", 3, 5, 9, []time.Duration{1, 2, 4, 8}, true},
		{"late, without a need for time", 0, 5, 1, []time.Duration{1}, true},
		{"good", 3, 3, 0, []time.Duration{1}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var units []time.Duration
				faults := record(t, func(t testing.TB) {
					checkInTime(t, Engine{Unit: time.Second}, func(t testing.TB, e Engine) {
						units = append(units, e.Unit/time.Second)
						e.asked.Add(int64(test.asked * e.Unit))
						time.Sleep(test.took * e.Unit)
						if len(units) <= test.failing {
							t.Fatal("a fault")
						}
					})
				})
				require.Equal(t, test.want, units)
				if test.failed {
					require.Equal(t, []string{"a fault"}, faults)
				} else {
					require.Empty(t, faults)
				}
			})
		})
	}
}
