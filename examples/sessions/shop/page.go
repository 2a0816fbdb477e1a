package shop

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// WritePage answers with what a visitor gets to see: the cart, or, without a
// User, the login.
func WritePage(w http.ResponseWriter, session Session) error {
	var body bytes.Buffer
	if err := page.Execute(&body, session); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = body.WriteTo(w) // if it fails, the visitor is gone
	return nil
}
