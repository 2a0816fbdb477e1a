module github.com/latchkey-go/latchkey/examples/webapp

go 1.26.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/latchkey-go/latchkey v0.0.0
	github.com/latchkey-go/latchkey/examples v0.0.0
	github.com/latchkey-go/latchkey/inspect v0.0.0
	github.com/latchkey-go/latchkey/promstore v0.0.0
	github.com/latchkey-go/latchkey/scsstore v0.0.0
	github.com/prometheus/client_golang v1.25.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/sync v0.22.0
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/latchkey-go/latchkey => ../../
	github.com/latchkey-go/latchkey/examples => ../
	github.com/latchkey-go/latchkey/inspect => ../../inspect
	github.com/latchkey-go/latchkey/promstore => ../../promstore
	github.com/latchkey-go/latchkey/redisstore => ../../redisstore
	github.com/latchkey-go/latchkey/scsstore => ../../scsstore
)
