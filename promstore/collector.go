package promstore

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/latchkey-go/latchkey/store"
)

// Source has the counts to tell of. A *store.Store of any types is one.
type Source interface {
	Stats() store.Stats
}

// New returns a collector of a store's counts, under the name given: the value of the
// label "store". It is safe for concurrent use. Two of one name can't be registered
// with the same registry. It panics without a name or a source.
func New(name string, s Source) prometheus.Collector {
	if name == "" || s == nil {
		panic("promstore: New needs a name, and a source of counts: a *store.Store")
	}
	c := &collector{source: s}
	labels := prometheus.Labels{"store": name}
	for _, m := range metrics {
		c.all = append(c.all, described{m, prometheus.NewDesc("latchkey_"+m.name, m.help, m.labels, labels)})
	}
	return c
}

type collector struct {
	source Source
	all    []described
}

type described struct {
	metric
	desc *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range c.all {
		descs <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	stats := c.source.Stats()
	for _, m := range c.all {
		if stats.Durable || !m.durable {
			m.write(m.desc, &stats, out)
		}
	}
}
