package shop

import (
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

const maxText = 100 // bytes in a field

// Field returns a field of a form: text that is neither empty nor too long. Else
// there is a [*Refusal].
func Field(r *http.Request, name string) (string, error) {
	err := r.ParseForm()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return "", &Refusal{http.StatusRequestEntityTooLarge, "that is too much"}
	}
	text := r.PostForm.Get(name)
	if err != nil || text == "" || len(text) > maxText || !utf8.ValidString(text) {
		return "", &Refusal{http.StatusBadRequest, fmt.Sprintf("%s: 1 to %d bytes of text, please", name, maxText)}
	}
	return text, nil
}
