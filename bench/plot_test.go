package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A plot is well-formed, all in it is inside its card, and a bar's length is in
// proportion to its value.
func TestPlot(t *testing.T) {
	p := panel{title: "Speed & <more>", columns: []string{"1 goroutine", "2 goroutines"}}
	p.add("latchkey", true, 10, 20)
	p.add("peer (no TTL)", false, 0, 5)
	empty := panel{title: "Nothing", columns: []string{""}}
	empty.add("zero", false, 0)
	b := &bench{plots: filepath.Join(t.TempDir(), "plots")}
	if err := b.plot("speed", p, empty); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(b.plots, "speed.svg"))
	if err != nil {
		t.Fatal(err)
	}
	var size [2]float64
	var widths []float64
	var texts strings.Builder
	for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts.Write(token)
		case xml.StartElement:
			at := make(map[string]float64)
			for _, a := range token.Attr {
				at[a.Name.Local], _ = strconv.ParseFloat(a.Value, 64)
			}
			switch token.Name.Local {
			case "svg":
				size = [2]float64{at["width"], at["height"]}
			case "rect":
				widths = append(widths, at["width"])
			}
			if at["x"]+at["width"] > size[0] || at["y"]+at["height"] > size[1] {
				t.Errorf("%v is beyond the card, %v", token, size)
			}
		}
	}
	for _, want := range []string{"Speed & <more>", "1 goroutine", "latchkey", "20.0", "5.00"} {
		if !strings.Contains(texts.String(), want) {
			t.Errorf("%q is not in the plot", want)
		}
	}
	if strings.Contains(texts.String(), "no TTL") {
		t.Error("a name is longer than there is room for")
	}
	if len(widths) != 1+5 || widths[0] != plotWidth-1 {
		t.Fatalf("a card and 5 bars are %v", widths)
	}
	if a, b := widths[1], widths[2]; a <= 0 || b != 2*a || widths[3] != 0 || widths[4] != a/2 || widths[5] != 0 {
		t.Errorf("bars of 10, 20, 0, 5 and 0 are %v", widths[1:])
	}
}

func TestNoPlot(t *testing.T) {
	if err := new(bench).plot("speed", panel{}); err != nil {
		t.Error(err)
	}
}
