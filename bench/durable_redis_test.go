package main

import "testing"

func TestParseRedisBenchmark(t *testing.T) {
	const head = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` + "\n"
	for _, c := range []struct {
		name, out string
		want      float64
		ok        bool
	}{
		{"one test", head + `"SET","22345.67","2.832","0.272","2.775","4.095","5.719","10.351"` + "\n", 22345.67, true},
		{"another before", head + `"PING_INLINE","1","0","0","0","0","0","0"` + "\n" + `"SET","2.5","0","0","0","0","0","0"` + "\n", 2.5, true},
		{"columns in another order", `"test","max_latency_ms","rps"` + "\n" + `"SET","9","7"` + "\n", 7, true},
		{"no such test", head + `"GET","22345.67","2.832","0.272","2.775","4.095","5.719","10.351"` + "\n", 0, false},
		{"no head", `"SET","22345.67"` + "\n", 0, false},
		{"not a number", `"test","rps"` + "\n" + `"SET","nan"` + "\n", 0, false},
		{"nothing done", `"test","rps"` + "\n" + `"SET","0.00"` + "\n", 0, false},
		{"an error", "Could not connect to Redis at redis.sock: No such file or directory\n", 0, false},
		{"nothing", "", 0, false},
	} {
		got, err := parseRedisBenchmark(c.out, "SET")
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}
