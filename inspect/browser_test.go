package inspect_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// chromium is the browser that the tests share, each with a window of its own.
var chromium struct {
	once sync.Once
	ctx  context.Context
	end  context.CancelFunc
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

// patience is how long a browser may take for anything: the machine may be busy.
const patience = 2 * time.Minute

// tab is a window of a real browser, which notes what the page complains about.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu         sync.Mutex // guards complaints
	complaints []string
}

// newTab opens a window of the size and the colours given ("light", "dark").
func newTab(t testing.TB, width, height int64, colours string) *tab {
	t.Helper()
	binary := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			binary = path
			break
		}
	}
	if binary == "" {
		testenv.Missing(t, "there is no browser (Debian's package chromium)")
	}
	chromium.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(binary), chromedp.NoSandbox,
			chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-gpu", true))
		allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, end := chromedp.NewContext(allocator)
		chromium.ctx, chromium.end = ctx, func() { end(); endAllocator() }
		chromium.err = chromedp.Run(ctx)
	})
	require.NoError(t, chromium.err)
	ctx, end := chromedp.NewContext(chromium.ctx)
	ctx, endTime := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { endTime(); end() })
	b := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, b.listen)
	b.do(
		log.Enable(),
		emulation.SetDeviceMetricsOverride(width, height, 1, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := cdppage.AddScriptToEvaluateOnNewDocument(`addEventListener("securitypolicyviolation",
				(e) => console.error("violated: " + e.violatedDirective + " by " + e.blockedURI))`).Do(ctx)
			return err
		}),
	)
	return b
}

// listen notes errors of the page: exceptions, violations of its policy, what can't
// be loaded.
func (b *tab) listen(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			complaint = string(e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			complaint = e.Entry.Text
		}
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

// requireQuiet requires that the page has complained about nothing.
func (b *tab) requireQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.complaints)
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Run(b.ctx, actions...))
}

// eval returns what an expression in the page is.
func eval[T any](b *tab, expression string) (value T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
	return value
}

// until waits for an expression in the page to be true.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.do(chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(100*time.Millisecond)))
}

// follow clicks on something that leads to another page, and waits for that.
func (b *tab) follow(selector string) {
	b.t.Helper()
	response, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector, chromedp.ByQuery))
	require.NoError(b.t, err)
	require.EqualValues(b.t, http.StatusOK, response.Status)
}

// texts returns the texts of all elements that a selector finds.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	all := eval[[]string](b, `Array.from(document.querySelectorAll(`+"`"+selector+"`"+`), (e) => e.textContent)`)
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// mounted serves a page as a program would.
func mounted(t testing.TB, h http.Handler) (url string) {
	mux := http.NewServeMux()
	mux.Handle(page, h)
	return serve(t, mux).URL + page
}
