// Gen writes the synthetic log that accesslog has embedded: two days of a shop
// that does not exist. The addresses are from the ranges set aside for
// documentation (RFC 5737, RFC 3849). The same seed gives the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"log"
	"os"
)

const seed = 7

func main() {
	out := flag.String("o", "synthetic.log.gz", "the `file` to write")
	flag.Parse()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := z.Write(syntheticLog(seed)); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
