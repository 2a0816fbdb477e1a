module github.com/latchkey-go/latchkey/scsstore

go 1.26.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/google/go-cmp v0.7.0
	github.com/latchkey-go/latchkey v0.0.0
	github.com/latchkey-go/latchkey/redisstore v0.0.0-00010101000000-000000000000
	github.com/redis/rueidis v1.0.79
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace (
	github.com/latchkey-go/latchkey => ../
	github.com/latchkey-go/latchkey/redisstore => ../redisstore
)
