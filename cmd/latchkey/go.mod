module github.com/latchkey-go/latchkey/cmd/latchkey

go 1.26.0

replace (
	github.com/latchkey-go/latchkey => ../../
	github.com/latchkey-go/latchkey/redisstore => ../../redisstore
)

require (
	github.com/dustin/go-humanize v1.1.0
	github.com/latchkey-go/latchkey v0.0.0
	github.com/latchkey-go/latchkey/redisstore v0.0.0
	github.com/redis/rueidis v1.0.79
	github.com/schollz/progressbar/v3 v3.19.1
	github.com/spf13/cobra v1.10.2
	github.com/stretchr/testify v1.12.1
	golang.org/x/term v0.47.0
)

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
