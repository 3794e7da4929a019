//go:build race

package harness

// race says whether the test runs with the race detector.
const race = true
