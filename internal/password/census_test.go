package password_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/password"
)

// stored are hashes of a store that fails as often as it is told.
type stored struct {
	hashes []string

	mu       sync.Mutex
	fails    int
	asked    []time.Time
	imported time.Time
}

// counts is how often all hashes were asked for.
func (s *stored) counts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// imports is told of an import's batch.
func (s *stored) imports() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.imported = time.Now()
}

func (s *stored) Imported(ctx context.Context) (time.Time, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return time.Time{}, errors.New("without a deadline")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imported, nil
}

func (s *stored) EachHash(ctx context.Context, give func(string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("without a deadline")
	}
	if s.fails > 0 {
		s.fails--
		return errors.New("no database")
	}
	for _, h := range s.hashes {
		give(h)
	}
	return nil
}

// TestDecoysFollowTheStore: at once, again after a minute where that fails, then
// about every six hours, and soon after an import.
func TestDecoysFollowTheStore(t *testing.T) {
	bcrypt := password.Class{Format: "bcrypt", Cost: "10"}
	hash, err := password.Bcrypt{Cost: 10}.Hash("velvet-anchor")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d, err := password.NewDecoys(make([]byte, 32), password.DefaultArgon2id.Class())
		if err != nil {
			t.Fatal(err)
		}
		classes := func() map[password.Class]int {
			t.Helper()
			found := map[password.Class]int{}
			for n := range 100 {
				class, err := password.Classify(d.For(fmt.Sprint(n)))
				if err != nil {
					t.Fatal(err)
				}
				found[class]++
			}
			return found
		}
		ctx, cancel := context.WithCancel(t.Context())
		store := &stored{hashes: []string{hash, "$nonsense$", ""}, fails: 2}
		var log strings.Builder
		ended := make(chan error)
		go func() { ended <- d.Follow(ctx, store, slog.New(slog.NewTextHandler(&log, nil))) }()
		time.Sleep(time.Second)
		if got := classes(); got[password.DefaultArgon2id.Class()] != 100 {
			t.Errorf("before the first count: %v", got)
		}
		time.Sleep(2 * time.Minute)
		if got := classes(); got[bcrypt] != 100 {
			t.Errorf("after it: %v", got)
		}
		of := func(what string, least, most int, work func()) {
			t.Helper()
			before := store.counts()
			work()
			if n := store.counts() - before; n < least || n > most {
				t.Errorf("%s: counted %d times", what, n)
			}
		}
		of("a day", 4, 5, func() { time.Sleep(24 * time.Hour) })
		of("an hour's import", 5, 8, func() {
			for range 360 {
				store.imports()
				time.Sleep(10 * time.Second)
			}
		})
		of("its end", 1, 1, func() { time.Sleep(2 * time.Minute) })
		of("behind it", 0, 0, func() { time.Sleep(3 * time.Hour) })
		of("a short one", 1, 1, func() {
			store.imports()
			time.Sleep(2 * time.Minute)
		})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "cannot be counted"); n != 1 || !strings.Contains(log.String(), "no database") {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}
