package interop_test

import (
	"slices"
	"testing"
)

// TestWhatAClientSays: a step counts once, and only when the client tells of it.
func TestWhatAClientSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, out   string
		ok, problem []string
	}{
		{"all four", "stack zeep 4.3.3\nok register\nok taken\nok invalid\nok lookup\n", steps, nil},
		{"with lines of its own", "warning: old\nstack zeep 4.3.3\nok register\nok taken\n\nok then\nok invalid\nok lookup\n", steps, nil},
		{"nothing", "", nil, []string{"no line `stack NAME VERSION`", "register: not told", "taken: not told", "invalid: not told", "lookup: not told"}},
		{"a step twice", "stack zeep 4.3.3\nok register\nok register\nok invalid\nok lookup\n", []string{"register", "invalid", "lookup"}, []string{"taken: not told"}},
		{"a step that failed", "stack zeep 4.3.3\nok register\nnot ok taken: no fault\nok invalid\nok lookup\n", []string{"register", "invalid", "lookup"}, []string{"taken: no fault"}},
		{"a step that failed and then went well", "stack zeep 4.3.3\nnot ok register: no\nok register\nok taken\nok invalid\nok lookup\n", steps[1:], []string{"register: no"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if r := parse(tt.out, steps); !slices.Equal(r.ok, tt.ok) || !slices.Equal(r.problem, tt.problem) {
				t.Errorf("ok %q, problems %q", r.ok, r.problem)
			}
		})
	}
}
