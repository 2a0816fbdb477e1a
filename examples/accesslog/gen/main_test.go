package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSampleIsGenerated(t *testing.T) {
	f, err := os.Open("../synthetic.log.gz")
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	sample, err := io.ReadAll(r)
	require.NoError(t, err)
	// The log, not the gzip file: how well Go compresses may change.
	require.True(t, bytes.Equal(sample, syntheticLog(seed)), "go generate writes another sample")
	require.False(t, bytes.Equal(sample, syntheticLog(seed+1)))
}

// TestNobodyIsReal looks at who the visitors are.
func TestNobodyIsReal(t *testing.T) {
	var ranges []netip.Prefix
	for _, s := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
		ranges = append(ranges, netip.MustParsePrefix(s))
	}
	for line := range bytes.Lines(syntheticLog(seed)) {
		host, _, _ := bytes.Cut(line, []byte(" "))
		if string(host) == "monitor.shop.example" {
			continue
		}
		ip, err := netip.ParseAddr(string(host))
		require.NoError(t, err)
		documented := false
		for _, r := range ranges {
			documented = documented || r.Contains(ip)
		}
		require.True(t, documented)
	}
}
