package inspect

import (
	"context"
	"embed"
	"encoding/hex"
	"hash/fnv"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// tableTimeout is how long a request may look for entries.
const tableTimeout = 20 * time.Second

//go:embed static
var static embed.FS

var pageTemplate = template.Must(template.ParseFS(static, "static/page.html"))

// version tells one state of the static files from another.
var version = func() string {
	sum := fnv.New64a()
	_ = fs.WalkDir(static, ".", func(name string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			data, _ := static.ReadFile(name)
			_, _ = sum.Write(data)
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}()

// policy lets the page load what is beside it, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type handler struct {
	o       Options
	secrets *secrets
	sampler *sampler
	streams streams
	origin  *http.CrossOriginProtection
	walks   chan struct{} // full while somebody walks through entries
}

// Handler returns the page, to be mounted at a path that ends in a slash, behind
// whatever decides who may see it:
//
//	http.Handle("/debug/latchkey/", page)
//
// It is wherever it is mounted, with or without http.StripPrefix. It runs nothing
// while nobody looks.
//
// An error says what is wrong with the options.
func Handler(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Stores, o.Actions = slices.Clone(o.Stores), slices.Clone(o.Actions)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := newSampler(o.Stores)
	return &handler{
		o: o, secrets: newSecrets(), sampler: s, streams: streams{sampler: s},
		origin: http.NewCrossOriginProtection(), walks: make(chan struct{}, 1),
	}, nil
}

// ServeHTTP goes by the last element of the path: it does not know what is before.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if !h.allowed(w, r, View) {
		return
	}
	name := path.Base(r.URL.Path)
	if r.URL.Path == "" || strings.HasSuffix(r.URL.Path, "/") {
		name = ""
	}
	switch {
	case name == "action":
		h.act(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "That is to be read only.")
	case name == "":
		h.page(w, r)
	case name == "live" && r.Method == http.MethodGet:
		h.streams.serve(w, r, h.shown(r.URL.Query().Get("store")))
	case name == "style.css" || name == "script.js" || name == "icon.svg":
		if r.URL.Query().Get("v") == version {
			header.Set("Cache-Control", "private, max-age=86400, immutable")
		}
		http.ServeFileFS(w, r, static, "static/"+name)
	default:
		refuse(w, http.StatusNotFound, "There is no such page.")
	}
}

// shown returns the index of the store with the name given, or of the first.
func (h *handler) shown(name string) int {
	return max(0, slices.IndexFunc(h.o.Stores, func(s Store) bool { return s.name == name }))
}

// walk returns the entries that are asked for. One request at a time does so: the
// program has other work.
func (h *handler) walk(ctx context.Context, s source, q query) page {
	ctx, end := context.WithTimeout(ctx, tableTimeout)
	defer end()
	select {
	case h.walks <- struct{}{}:
		defer func() { <-h.walks }()
		return s.page(ctx, h.secrets, q)
	case <-ctx.Done():
		return page{partial: true}
	}
}
