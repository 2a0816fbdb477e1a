package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// synthetic is the log that is read when no other is named. No visitor of it
// is real: gen makes them up.
//
//go:generate go run ./gen -o synthetic.log.gz
//go:embed synthetic.log.gz
var synthetic []byte

// maxLine is the longest line read, in bytes. Longer ones are malformed.
const maxLine = 1 << 20

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// input reads the requests of some logs, one log after the other.
type input struct {
	sources []source
	through func(io.Reader) io.Reader // what the bytes of every source are read through
	note    func(format string, a ...any)

	requests  int    // lines read so far that are requests
	malformed int    // lines read so far that are not
	sum       uint32 // CRC-32C of the lines that are requests
}

// source is one log, plain or compressed with gzip.
type source struct {
	name string
	size int64 // in bytes, as they are stored; -1 = not known
	open func() (io.ReadCloser, error)
}

// newInput finds the sources, so that a missing file is told before any work
// is done. Without files there is the synthetic sample.
func newInput(files []string, stdin io.Reader) (*input, error) {
	in := &input{
		through: func(r io.Reader) io.Reader { return r },
		note:    func(string, ...any) {},
	}
	if len(files) == 0 {
		in.add("synthetic sample", int64(len(synthetic)), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(synthetic)), nil
		})
	}
	for _, name := range files {
		if name == "-" {
			in.add("standard input", -1, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, fmt.Errorf("%s is a folder, not a log", name)
		}
		size := int64(-1)
		if info.Mode().IsRegular() {
			size = info.Size()
		}
		in.add(name, size, func() (io.ReadCloser, error) { return os.Open(name) })
	}
	return in, nil
}

func (in *input) add(name string, size int64, open func() (io.ReadCloser, error)) {
	in.sources = append(in.sources, source{name, size, open})
}

// name says in a few words what is read.
func (in *input) name() string {
	name := filepath.Base(in.sources[0].name)
	if more := len(in.sources) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name
}

// size returns the bytes of all sources, or -1 if that is not known.
func (in *input) size() int64 {
	var sum int64
	for _, src := range in.sources {
		if src.size < 0 {
			return -1
		}
		sum += src.size
	}
	return sum
}

// each calls f with every request of every source, and ends with the first
// error, be it of reading or of f.
func (in *input) each(f func(request) error) error {
	for _, src := range in.sources {
		before := *in
		if err := in.read(src, f); err != nil {
			return err
		}
		switch {
		case in.requests > before.requests:
		case in.malformed > before.malformed:
			in.note("%s: no line of it is in Common or Combined Log Format", src.name)
		default:
			in.note("%s is empty", src.name)
		}
	}
	return nil
}

func (in *input) read(src source, f func(request) error) error {
	file, err := src.open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	r, err := decompress(in.through(file))
	if err != nil {
		return fmt.Errorf("%s: %w", src.name, err)
	}
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := readLine(lines)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", src.name, err)
		}
		req, ok := parseLine(string(line))
		if !ok {
			in.malformed++
			continue
		}
		in.requests++
		in.sum = crc32.Update(in.sum, crcTable, line)
		if err := f(req); err != nil {
			return err
		}
	}
}

// decompress looks at the first bytes, whatever the name of the file.
func decompress(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); string(magic) == "\x1f\x8b" {
		return gzip.NewReader(b)
	}
	return b, nil
}

// readLine returns the next line without its line feed, valid until the next
// call. Of a line longer than the buffer, it returns nothing but "".
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	tooLong := err == bufio.ErrBufferFull
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if tooLong {
		line = nil
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}
