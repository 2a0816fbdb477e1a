package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

var errNoRedis = errors.New("install redis-server and redis-benchmark (Debian's packages redis-server and redis-tools)")

// redis is a server of Redis on a unix socket, in a folder of its own.
type redis struct {
	dir      string
	version  string
	requests int // in a round
	done     int // since the server started
	stop     func() error
}

const redisSocket = "redis.sock" // in the folder, which may have too long a path for a socket

// startRedis starts a server that syncs its file before it answers.
func startRedis(d *durable) (*redis, error) {
	for _, name := range []string{"redis-server", "redis-benchmark", "redis-cli"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, errNoRedis
		}
	}
	r := &redis{dir: d.path("redis")}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", redisSocket, "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no")
	cmd.Dir = r.dir
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.stop = d.atEnd(func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		return err
	})
	if err := r.ready(d); err != nil {
		err = errors.Join(err, r.stop())
		return nil, fmt.Errorf("redis-server: %w\n%s", err, log.Bytes())
	}
	return r, nil
}

// ready waits for the server, sets it to work once, and finds out how many
// requests make a round.
func (r *redis) ready(d *durable) error {
	var err error
	for range 100 {
		var pong string
		if pong, err = r.cli("PING"); err == nil && pong == "PONG" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	sync, err := r.cli("CONFIG", "GET", "appendfsync")
	if err == nil && strings.Fields(sync)[1] != "always" {
		err = fmt.Errorf("appendfsync is %q", sync)
	}
	if err != nil {
		return err
	}
	r.version, err = r.info("server", "redis_version")
	if err != nil {
		return err
	}
	r.version = "redis-server " + r.version
	r.requests = d.entries // fills it
	if _, err := r.benchmark("-P", "100"); err != nil {
		return err
	}
	r.requests = 2000
	perSecond, err := r.benchmark()
	r.requests = max(1000, int(perSecond*d.slow.Seconds()))
	return err
}

// round returns the requests per second of a round.
func (r *redis) round() (float64, error) {
	perSecond, err := r.benchmark()
	if err != nil {
		return 0, err
	}
	return perSecond, r.check()
}

// args are the arguments of redis-benchmark that count.
func (r *redis) args() string {
	return fmt.Sprintf("-t set -c %d -d %d -r 100000 -n %d", manyWriters, valueSize, r.requests)
}

func (r *redis) benchmark(more ...string) (perSecond float64, err error) {
	args := append(strings.Fields(r.args()), "-s", redisSocket, "--csv")
	out, err := r.command("redis-benchmark", append(args, more...)...)
	if err != nil {
		return 0, err
	}
	r.done += r.requests
	return parseRedisBenchmark(out, "SET")
}

// check makes sure that the server has done what was counted, into its file, and
// with the sizes that the others have.
func (r *redis) check() error {
	set, err := r.info("commandstats", "cmdstat_set")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(set, fmt.Sprintf("calls=%d,", r.done)) || !strings.Contains(set, "failed_calls=0") {
		return fmt.Errorf("redis-server was asked for %d Sets, and did %s", r.done, set)
	}
	status, err := r.info("persistence", "aof_last_write_status")
	if err == nil && status != "ok" {
		err = fmt.Errorf("redis-server's file: %s", status)
	}
	if err != nil {
		return err
	}
	key, err := r.cli("RANDOMKEY")
	if err != nil {
		return err
	}
	size, err := r.cli("STRLEN", key)
	if err == nil && (len(key) != 16 || size != strconv.Itoa(valueSize)) {
		err = fmt.Errorf("redis-benchmark set %q to %s bytes", key, size)
	}
	return err
}

// info returns a field of what INFO tells.
func (r *redis) info(section, field string) (string, error) {
	out, err := r.cli("INFO", section)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("redis-server: no %s in INFO %s", field, section)
}

func (r *redis) cli(args ...string) (string, error) {
	out, err := r.command("redis-cli", append([]string{"-s", redisSocket}, args...)...)
	return strings.TrimSpace(out), err
}

func (r *redis) command(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// parseRedisBenchmark finds the requests per second of a test in what
// redis-benchmark prints with --csv: a line of names, then a line a test.
func parseRedisBenchmark(out, test string) (perSecond float64, err error) {
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w", err)
	}
	for _, row := range rows {
		for i, column := range rows[0] {
			if row[0] == test && column == "rps" {
				if perSecond, err = strconv.ParseFloat(row[i], 64); err == nil && !(perSecond > 0) {
					err = fmt.Errorf("redis-benchmark: %v requests per second", row[i])
				}
				return perSecond, err
			}
		}
	}
	return 0, fmt.Errorf("redis-benchmark: no rate of %s in %q", test, out)
}
