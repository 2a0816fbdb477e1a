package recorded

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// Row is a trace and a capacity, with hit ratios in percent by the name of the
// policy or cache; "opt" is the most that there can be.
type Row struct {
	Trace string
	Size  int
	Of    map[string]float64
}

// HitRatios returns the hit ratios recorded below the folder of recorded input; the
// rows of a trace follow each other.
func HitRatios(data string) (list []Row, err error) {
	f, err := os.Open(filepath.Join(data, "reference", "hit_ratios.tsv"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	table := csv.NewReader(f)
	table.Comma = '\t'
	lines, err := table.ReadAll()
	if err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		r := Row{Trace: line[0], Of: make(map[string]float64)}
		if r.Size, err = strconv.Atoi(line[1]); err != nil {
			return nil, err
		}
		for i, name := range lines[0][2:] {
			if r.Of[name], err = strconv.ParseFloat(line[2+i], 64); err != nil {
				return nil, err
			}
		}
		list = append(list, r)
	}
	return list, nil
}
