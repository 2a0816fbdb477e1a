package inspect

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/latchkey-go/latchkey/store"
)

// cookieName is of the cookie that forms are bound to.
const cookieName = "latchkey-inspect"

// maxForm is the largest form, in bytes.
const maxForm = 64 << 10

var errNotLocked = errors.New("inspect: not locked")

// outcomes are what the page says after an action.
var outcomes = map[string]string{
	"unlocked":     "The lease was taken from its holder.",
	"deleted":      "The entry was deleted.",
	"saved":        "A snapshot was taken.",
	"not-found":    "There is no such entry any more.",
	"not-locked":   "The entry was not locked.",
	"locked":       "The entry is locked. Unlock it first.",
	"read-only":    "The store is read-only: its disk fails.",
	"closed":       "The store is closed.",
	"not-unlocked": "The entry could not be unlocked.",
	"failed":       "That failed. The log of the program may say why.",
}

// outcome returns the key of what there is to say.
func outcome(a Action, err error) string {
	for _, o := range []struct {
		err error
		key string
	}{
		{store.ErrNotFound, "not-found"},
		{errNotLocked, "not-locked"},
		{store.ErrLocked, "locked"},
		{store.ErrReadOnly, "read-only"},
		{store.ErrClosed, "closed"},
	} {
		if errors.Is(err, o.err) {
			return o.key
		}
	}
	if err != nil {
		return "failed"
	}
	return map[Action]string{Unlock: "unlocked", Delete: "deleted", Snapshot: "saved"}[a]
}

// act does what a form asks for, and sends the browser back to the page.
func (h *handler) act(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "Actions are POST only.")
		return
	}
	if err := h.origin.Check(r); err != nil {
		refuse(w, http.StatusForbidden, "That did not come from this page.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "That is not a form, or it is too large.")
		return
	}
	if !h.fromPage(r) {
		refuse(w, http.StatusForbidden, "That did not come from this page as it is now. Load it again, with cookies allowed.")
		return
	}
	a := Action(r.PostForm.Get("action"))
	if !slices.Contains(h.o.Actions, a) {
		refuse(w, http.StatusForbidden, "That action is not offered here.")
		return
	}
	if !h.allowed(w, r, a) {
		return
	}
	i := slices.IndexFunc(h.o.Stores, func(s Store) bool { return s.name == r.PostForm.Get("store") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "There is no such store.")
		return
	}
	ctx := r.Context()
	if a != Snapshot {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, tableTimeout)
		defer end()
	}
	id := r.PostForm.Get("id")
	err := h.o.Stores[i].source.do(ctx, h.secrets, a, id)
	h.o.Logger.Info("latchkey: done by hand, on the page", "action", string(a), "store", h.o.Stores[i].name,
		"outcome", outcome(a, err))

	back, _ := url.ParseQuery(r.PostForm.Get("back"))
	q := parseQuery(back, h.secrets)
	q.Store = h.o.Stores[i].name
	http.Redirect(w, r, "./"+q.with("outcome", outcome(a, err)), http.StatusSeeOther)
}

// fromPage reports whether a form was filled in on the page, in the same browser.
func (h *handler) fromPage(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil || cookie.Value == "" {
		return false
	}
	want := h.secrets.token(cookie.Value)
	return subtle.ConstantTimeCompare([]byte(want), []byte(r.PostForm.Get("token"))) == 1
}

// token returns what forms on the page must carry, and sees to it that the browser
// has the cookie that goes with it.
func (h *handler) token(w http.ResponseWriter, r *http.Request) string {
	if len(h.o.Actions) == 0 {
		return ""
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil || len(cookie.Value) != len(rand.Text()) {
		// No Path: it is for the page and what is beside it.
		cookie = &http.Cookie{Name: cookieName, Value: rand.Text(), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil}
		http.SetCookie(w, cookie)
	}
	return h.secrets.token(cookie.Value)
}

// allowed reports whether a request may do something. If not, it has been answered.
func (h *handler) allowed(w http.ResponseWriter, r *http.Request, a Action) bool {
	if h.o.Authorize == nil {
		return a == View
	}
	err := h.o.Authorize(r, a)
	if err == nil {
		return true
	}
	h.o.Logger.Info("latchkey: refused, on the page", "action", string(a), "error", err)
	refuse(w, http.StatusForbidden, "You may not do that.")
	return false
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(why + "\n"))
}
