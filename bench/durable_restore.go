package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/latchkey-go/latchkey/persist"
)

// restore compares the opening of a large store to the decoding of one gob stream
// with the same in it. Each is done by a new process, as after a restart.
func restore(d *durable) error {
	stream := d.path("stream.gob")
	n := strconv.Itoa(d.large)
	if err := d.runChild(nil, "stream", stream, n); err != nil {
		return err
	}
	ways := []*restoring{
		{codec: persist.Gob{}, end: "close"},
		{codec: persist.JSON{}, end: "close"},
		{codec: persist.Gob{}, end: "kill"},
		{codec: persist.JSON{}, end: "kill"},
	}
	for _, w := range ways {
		w.dir = d.path(w.codec.ID() + "-" + w.end)
		if err := w.fill(d, n); err != nil {
			return fmt.Errorf("filling %s: %w", w.dir, err)
		}
	}
	var decoding []float64
	for i := range restoreRounds {
		var seconds float64
		if err := d.runChild(&seconds, "decode", stream, n); err != nil {
			return err
		}
		decoding = append(decoding, seconds)
		for _, w := range ways {
			if err := w.round(d, n, i == 0); err != nil {
				return fmt.Errorf("%s after a %s: %w", w.codec.ID(), w.end, err)
			}
		}
	}
	return printRestore(d, median(decoding, same), ways)
}

// restoreRounds are few: each takes longer than all of many another table.
const restoreRounds = 3

func printRestore(d *durable, decoding float64, ways []*restoring) error {
	sizes := make(map[string]int)
	for _, w := range ways {
		c, err := encoder(w.codec, webSession{})
		if err != nil {
			return err
		}
		data, err := c.Marshal(webSessionOf(d.large / 2))
		if err != nil {
			return err
		}
		sizes[w.codec.ID()] = len(data)
	}
	fmt.Printf("\n## Restore of %d sessions, %d-byte keys, values of about %d bytes in gob and %d in JSON\n\n", d.large, len(sessionKeys(1)[0]), sizes["gob"], sizes["json"])
	fmt.Print("| | seconds | share of decoding the stream | target | with reading all values | share |\n|---|--:|--:|---|--:|--:|\n")
	fmt.Printf("| decoding one gob stream into a map | %.2f | 1 | | %.2f | 1 |\n", decoding, decoding)
	restored := make(map[string]float64)
	for _, w := range ways {
		seconds := median(w.results, func(r opening) float64 { return r.Restore })
		all := w.results[0].Restore + w.results[0].Read
		restored[w.codec.ID()+w.end] = seconds
		fmt.Printf("| %s, %s | %.2f | %.2f | %s | %.2f | %.2f |\n", w.codec.ID(), w.after(), seconds, seconds/decoding, atMost(seconds/decoding, 1), all, all/decoding)
	}
	fmt.Printf("\nMedians of %d rounds, each in a new process; the files are in the page cache. "+
		"Values are decoded when they are first read: to have all of them read was measured once.\n", restoreRounds)
	for _, end := range []string{"close", "kill"} {
		share := restored["gob"+end] / restored["json"+end]
		fmt.Printf("After a %s the gob store takes %.2f of the time of the JSON store (target: %s).\n", end, share, atMost(share, 1))
	}
	return nil
}

// restoring is the opening of a folder, and what was measured of it.
type restoring struct {
	codec   persist.Codec
	end     string // of the process that has filled it: close, kill
	dir     string
	results []opening
}

func (w *restoring) after() string {
	if w.end == "kill" {
		return "after a kill, all in the journal"
	}
	return "after a clean close, all in the snapshot"
}

func (w *restoring) fill(d *durable, n string) error {
	err := d.runChild(nil, "fill", w.dir, w.codec.ID(), n, w.end)
	if exit := (*exec.ExitError)(nil); w.end == "kill" && errors.As(err, &exit) && !exit.Exited() {
		return nil // by a signal, as it should
	}
	if err == nil && w.end == "kill" {
		return errors.New("the process was not killed")
	}
	return err
}

// round opens the folder, and reads all values too if told so.
func (w *restoring) round(d *durable, n string, read bool) error {
	var r opening
	if err := d.runChild(&r, "restore", w.dir, w.codec.ID(), n, w.end, strconv.FormatBool(read)); err != nil {
		return err
	}
	if inJournal := r.Replayed == uint64(d.large); inJournal != (w.end == "kill") {
		return fmt.Errorf("%d changes of the journal were made again", r.Replayed)
	}
	w.results = append(w.results, r)
	return nil
}
