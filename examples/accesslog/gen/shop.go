package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

const (
	hours = 48
	hour  = 3600 // in seconds
)

// midnight is when the log begins, by the clock of the server.
var midnight = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.FixedZone("", 3600))

// arrivals are the people who come to the shop in each hour of a day.
var arrivals = [24]int{3, 2, 1, 1, 1, 2, 4, 8, 12, 14, 15, 16, 18, 15, 14, 15, 16, 19, 22, 26, 28, 22, 13, 7}

// hit is one line of the log. The server writes it when the answer has gone
// out, with the time at which the request came in.
type hit struct {
	start, written int // seconds since midnight
	line           string
}

// shop makes up the hits. It reckons in whole numbers alone, so that every
// machine comes to the same.
type shop struct {
	rng  *rand.Rand
	hits []hit
}

// visitor is whoever sends requests.
type visitor struct{ host, user, agent string }

func syntheticLog(seed uint64) []byte {
	s := &shop{rng: rand.New(rand.NewPCG(seed, seed))}
	for h := range hours {
		for range arrivals[h%24] {
			s.customer(s.person(), h*hour+s.rng.IntN(hour))
		}
	}
	s.newsletter(38 * hour)
	s.office()
	s.feedReaders()
	s.crawler()
	s.scanner(27*hour + 17*60)
	s.monitor()
	return s.bytes()
}

// bytes puts the hits in the order they were written, and does to the log what
// happens to logs: the disk was full once, and the last line is cut off.
func (s *shop) bytes() []byte {
	slices.SortStableFunc(s.hits, func(a, b hit) int { return cmp.Compare(a.written, b.written) })
	var b bytes.Buffer
	for i, h := range s.hits {
		if i == len(s.hits)/2 {
			b.WriteString(h.line[:len(h.line)/4] + "\n")
		}
		b.WriteString(h.line + "\n")
	}
	b.Truncate(b.Len() - len(s.hits[len(s.hits)-1].line) + 20)
	return b.Bytes()
}

// request adds a line in Combined Log Format, or in Common Log Format when the
// agent is empty. size < 0 is written as "-".
func (s *shop) request(v visitor, at int, request string, status, size int, referer string) {
	if at >= hours*hour {
		return
	}
	sent := "-"
	if size >= 0 {
		sent = fmt.Sprint(size)
	}
	line := fmt.Sprintf(`%s - %s [%s] "%s" %d %s`, v.host, v.user,
		midnight.Add(time.Duration(at)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), request, status, sent)
	if v.agent != "" {
		line += fmt.Sprintf(` "%s" "%s"`, referer, v.agent)
	}
	written := at
	if size > 100_000 {
		written += s.rng.IntN(20)
	}
	s.hits = append(s.hits, hit{at, written, line})
}

// customer looks around, and perhaps buys.
func (s *shop) customer(v visitor, at int) {
	referer := s.pick("-", "-", "https://search.example/", "https://news.example/")
	page := s.pick("/", "/", "/", s.product())
	for range 1 + s.rng.IntN(4) + s.rng.IntN(4)*s.rng.IntN(2) {
		s.page(v, at, page, referer)
		referer = "https://shop.example" + page
		page = s.pick(s.product(), s.product(), "/search?q="+s.pick("lamp", "chair", "%22oak+table%22"), "/about.html")
		at += 5 + s.rng.IntN(60) + s.rng.IntN(2)*s.rng.IntN(600)
	}
	if s.rng.IntN(6) == 0 {
		v.user = s.pick("customer", "customer", `""`)
		s.request(v, at, "POST /cart HTTP/1.1", 303, 0, referer)
		s.page(v, at+1, "/checkout", "https://shop.example/cart")
	}
}

// page is a page and what belongs to it.
func (s *shop) page(v visitor, at int, path, referer string) {
	s.request(v, at, "GET "+path+" HTTP/1.1", 200, 4_000+s.rng.IntN(30_000), referer)
	if s.rng.IntN(3) > 0 {
		s.request(v, at+1, "GET /shop.css HTTP/1.1", 304, -1, "https://shop.example"+path)
	}
	if strings.HasPrefix(path, "/product/") {
		s.request(v, at+1, "GET /img"+path[8:]+".jpg HTTP/1.1", 200, 40_000+s.rng.IntN(200_000), "https://shop.example"+path)
	}
}

// newsletter brings many people at once, and fewer and fewer afterwards.
func (s *shop) newsletter(at int) {
	for minute := range 90 {
		for range s.rng.IntN(max(1, 5-minute/18)) {
			v, page := s.person(), "/product/17"
			for range 1 + s.rng.IntN(3) {
				s.request(v, at+minute*60+s.rng.IntN(60), "GET "+page+" HTTP/1.1", 200, 21_345, "https://news.example/")
				page = s.product()
			}
		}
	}
}

// office is one address with many browsers behind it, at work from nine to five.
func (s *shop) office() {
	for h := range hours {
		if h%24 < 9 || h%24 >= 17 {
			continue
		}
		for range 4 {
			s.customer(visitor{"203.0.113.200", "-", s.browser()}, h*hour+s.rng.IntN(hour))
		}
	}
}

// feedReaders come every half an hour to the second, when a session of half an
// hour has just ended, or every twenty minutes, when it never does.
func (s *shop) feedReaders() {
	for i, every := range []int{1800, 1800, 1200, 3600} {
		v := visitor{fmt.Sprintf("2001:db8:%x::%x", 16+i, 1+s.rng.IntN(60_000)), "-", "ExampleFeed/2.1 (+https://feed.example/about)"}
		for at := s.rng.IntN(every); at < hours*hour; at += every {
			s.request(v, at, "GET /feed.xml HTTP/1.1", 304, -1, "-")
		}
	}
}

// crawler has a new agent for nearly every request.
func (s *shop) crawler() {
	for at := 20 * hour; at < 30*hour; at += 90 + s.rng.IntN(240) {
		v := visitor{
			s.pick("198.51.100.77", "198.51.100.78"), "-",
			fmt.Sprintf("Mozilla/5.0 (compatible; ExampleBot/3.%d; +https://bot.example/%d)", s.rng.IntN(4), s.rng.IntN(1000)),
		}
		s.request(v, at, "GET "+s.product()+" HTTP/1.0", 200, 15_000, "-")
	}
}

// scanner tries what scanners try.
func (s *shop) scanner(at int) {
	host := "192.0.2.66"
	for range 30 {
		agent := s.pick(`() { :; }; echo \"probe\"`, "-", "ExampleScan/0.1", "\xff\xfe")
		request := s.pick(`\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03`, "\x16\x03\x01", "", "GET /wp-login.php HTTP/1.1",
			`GET /?q=\"><script>alert(1)</script> HTTP/1.1`, "GET /../../etc/passwd HTTP/1.1")
		s.request(visitor{host, "-", agent}, at, request, 400, 226, "-")
		at += 1 + s.rng.IntN(4)
	}
	s.request(visitor{host, "-", "ExampleScan/" + strings.Repeat("A", 4_096)}, at, "GET / HTTP/1.1", 414, 0, "-")
}

// monitor asks every ten minutes, in a log of the older format.
func (s *shop) monitor() {
	for at := 0; at < hours*hour; at += 600 {
		s.request(visitor{"monitor.shop.example", "-", ""}, at, "HEAD /health HTTP/1.1", 200, 2, "")
	}
}

func (s *shop) person() visitor {
	net := s.pick("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:4::")
	return visitor{net + fmt.Sprint(1+s.rng.IntN(190)), "-", s.browser()}
}

func (s *shop) browser() string {
	return s.pick(
		fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%[1]d.0", 130+s.rng.IntN(8)),
		fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 126+s.rng.IntN(8)),
		fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%[1]d.0.0.0", 126+s.rng.IntN(8)),
		fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", s.rng.IntN(4)),
	)
}

func (s *shop) product() string { return fmt.Sprintf("/product/%d", 1+s.rng.IntN(60)) }

func (s *shop) pick(from ...string) string { return from[s.rng.IntN(len(from))] }
