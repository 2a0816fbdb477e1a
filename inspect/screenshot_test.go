package inspect_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

var takeScreenshots = flag.Bool("screenshots", false, "write the pictures of the README anew")

// visit is a shop's visitors for as long as ctx lasts.
func visit(ctx context.Context, s *store.Store[string, session]) {
	users := []string{"Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances"}
	random := rand.New(rand.NewPCG(3, 4))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		<-tick.C
		id := fmt.Sprint("id-", int(random.ExpFloat64()*1100))
		if _, err := s.Get(id); err == store.ErrNotFound {
			_ = s.Set(id, session{users[random.IntN(len(users))], random.IntN(9)})
		}
		switch {
		case i%40 == 0: // several requests of one visitor at once
			for range 1 + random.IntN(3) {
				hold := time.Duration(random.ExpFloat64() * float64(30*time.Millisecond))
				go func() {
					waiting, end := context.WithTimeout(ctx, 2*time.Second)
					defer end()
					if l, err := s.Lock(waiting, fmt.Sprint("id-", i/40%5), time.Second); err == nil {
						<-time.After(hold)
						_ = l.Unlock()
					}
				}()
			}
		case i%2500 == 0:
			_, _ = s.TryLock(id, 20*time.Second)
		case i%90 == 0:
			_ = s.Delete(id)
		}
	}
}

// TestScreenshot takes the pictures of the README: make screenshot.
func TestScreenshot(t *testing.T) {
	if !*takeScreenshots {
		t.Skip("make screenshot takes them")
	}
	s, h := shop(t, everybody)
	url := mounted(t, h)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go visit(ctx, s)
	in, _ := stream(t, url+"live") // so that there is something to see
	for range 150 {
		_, err := event(t, in)
		require.NoError(t, err)
	}
	require.NoError(t, s.Snapshot(ctx))
	for _, shot := range []struct {
		name          string
		width, height int64
		colours       string
	}{
		{"light", 1280, 1240, "light"},
		{"dark", 1280, 1240, "dark"},
		{"phone", 390, 1500, "light"},
	} {
		b := newTab(t, shot.width, shot.height, shot.colours)
		b.do(chromedp.Navigate(url))
		b.until(`document.getElementById("live-state").textContent === "Live"`)
		var picture []byte
		b.do(chromedp.CaptureScreenshot(&picture))
		require.NoError(t, os.MkdirAll("screenshots", 0o755))
		require.NoError(t, os.WriteFile("screenshots/"+shot.name+".png", picture, 0o644))
	}
}
