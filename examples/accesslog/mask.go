package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// hostName matches a host name. Its submatch is the domain: the last two
// labels, or the last one of two.
var hostName = regexp.MustCompile(`^(?i)(?:[a-z0-9_-]+\.)+?((?:[a-z0-9-]+\.)?[a-z][a-z0-9-]*)\.?$`)

// maskHost keeps of an address or a host name what does not tell the visitor:
// 192.0.x.x, 2001:db8:x::x, x.example.net.
func maskHost(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		b := ip.AsSlice()
		if ip.Is4() {
			return fmt.Sprintf("%d.%d.x.x", b[0], b[1])
		}
		return fmt.Sprintf("%x:%x:x::x", int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3]))
	}
	if m := hostName.FindStringSubmatch(host); m != nil {
		return "x." + m[1]
	}
	return "x"
}

// families are words by which a kind of agent is known, the telling ones first:
// browsers claim to be their forerunners as well.
var families = []struct{ word, name string }{
	{"bot", "robot"},
	{"crawl", "robot"},
	{"spider", "robot"},
	{"slurp", "robot"},
	{"feed", "feed reader"},
	{"curl", "script"},
	{"wget", "script"},
	{"python", "script"},
	{"go-http-client", "script"},
	{"libwww", "script"},
	{"edg", "Edge"},
	{"opera", "Opera"},
	{"opr/", "Opera"},
	{"firefox", "Firefox"},
	{"chrome", "Chrome"},
	{"trident", "Internet Explorer"},
	{"msie", "Internet Explorer"},
	{"safari", "Safari"},
}

// maskAgent names the family of an agent. The whole of it can tell a visitor,
// and may be an attack on whoever prints it.
func maskAgent(agent string) string {
	lower := strings.ToLower(agent)
	for _, f := range families {
		if strings.Contains(lower, f.word) {
			return f.name
		}
	}
	return "other"
}
