package promstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

type writer = func(*prometheus.Desc, *store.Stats, chan<- prometheus.Metric)

func gauge(value func(*store.Stats) float64) writer {
	return func(d *prometheus.Desc, s *store.Stats, out chan<- prometheus.Metric) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value(s))
	}
}

func counter(value func(*store.Stats) uint64) writer {
	return func(d *prometheus.Desc, s *store.Stats, out chan<- prometheus.Metric) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value(s)))
	}
}

// histogram writes a histogram with those bounds that are from least to most, both
// included; most 0 = all above least. What is outside is in the buckets next to that.
func histogram(least, most time.Duration, value func(*store.Stats) *persist.Histogram) writer {
	bounds := persist.HistogramBounds()
	return func(d *prometheus.Desc, s *store.Stats, out chan<- prometheus.Metric) {
		h := value(s)
		upTo := make(map[float64]uint64)
		var n uint64
		for i, bound := range bounds {
			n += h.Buckets[i]
			if bound >= least && (bound <= most || most == 0) {
				upTo[bound.Seconds()] = n
			}
		}
		out <- prometheus.MustNewConstHistogram(d, h.Count(), h.Seconds, upTo)
	}
}
