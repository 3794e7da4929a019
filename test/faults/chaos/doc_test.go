// Package chaos_test runs the whole system, every tier in processes of its own,
// under an open load of callers, does to its parts by a seed what can happen to
// machines and networks, and after each fault holds what callers were told
// against what every database node has and what people were sent.
//
// What comes about by a seed is which faults strike which parts and for how long,
// and what each person does; not the moments at which machines answer.
package chaos_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
