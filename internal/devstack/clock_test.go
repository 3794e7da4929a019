package devstack_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// printTime makes this binary a program that prints its time without an end.
const printTime = "DEVSTACK_TEST_PRINTS_TIME"

func init() {
	for os.Getenv(printTime) != "" {
		fmt.Println(time.Now().UnixNano())
		time.Sleep(time.Millisecond)
	}
}

// TestSetClock lets the wall clock of a running program jump to and fro: this
// test's own binary, which prints its time, and which is a Go program.
func TestSetClock(t *testing.T) {
	t.Setenv(printTime, "1")
	p, err := devstack.StartProcess("clock", t.TempDir(), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	ahead := func() time.Duration {
		t.Helper()
		_ = os.Truncate(p.Log, 0) // it appends
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			b, err := os.ReadFile(p.Log)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(b), "\n")
			if len(lines) < 4 { // the first one may be a rest, the last one is not whole
				continue
			}
			nanos, err := strconv.ParseInt(lines[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return -time.Since(time.Unix(0, nanos)).Round(10 * time.Second)
		}
		t.Fatal("the program does not tell its time")
		return 0
	}
	if got := ahead(); got != 0 {
		t.Fatalf("before: ahead by %v", got)
	}
	for _, want := range []time.Duration{4 * time.Minute, -90 * time.Second, 0} {
		if err := p.SetClock(want); err != nil {
			t.Fatal(err)
		}
		if got := ahead(); got != want {
			t.Errorf("ahead by %v, want %v", got, want)
		}
	}
}
