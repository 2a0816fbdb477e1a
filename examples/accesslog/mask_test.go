package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaskHost(t *testing.T) {
	for host, want := range map[string]string{
		"192.0.2.1":                "192.0.x.x",
		"::ffff:192.0.2.1":         "192.0.x.x",
		"2001:db8:17::1":           "2001:db8:x::x",
		"2001:db8::1%eth0":         "2001:db8:x::x",
		"::1":                      "0:0:x::x",
		"fe80::1":                  "fe80:0:x::x",
		"host-192-0-2-1.isp.net":   "x.isp.net",
		"a.b.c.d.isp.net.":         "x.isp.net",
		"ISP.net":                  "x.net",
		"localhost":                "x",
		"192.0.2.300":              "x",
		"192.0.2.1.5":              "x",
		"192.0.2.1:8080":           "x",
		"-":                        "x",
		"\x1b[2J.example.net":      "x",
		"example.net/../../etc/pw": "x",
	} {
		require.Equal(t, want, maskHost(host), host)
	}
}

func TestMaskAgent(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0":                                          "Firefox",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":           "Chrome",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0": "Edge",
		"Mozilla/5.0 (compatible; ExampleBot/1.0)":                                                                        "robot",
		"curl/8.0":                  "script",
		"() { :; }; ping 192.0.2.1": "other",
		"-":                         "other",
	} {
		require.Equal(t, want, maskAgent(agent), agent)
	}
}
