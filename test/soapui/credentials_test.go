package soapui_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestCredentials: the project properties caller and secret go with every
// request by HTTP Basic, whatever characters they have.
func TestCredentials(t *testing.T) {
	t.Parallel()
	const caller, secret = "monolith", `s3cret: ${x} '"} سر`
	var mu sync.Mutex
	sent := map[string]int{}
	recorder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		mu.Lock()
		defer mu.Unlock()
		sent[user+" "+password]++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(recorder.Close)
	r := run(t, t.TempDir(), projectPath, recorder.URL, "-P", "caller="+caller, "-P", "secret="+secret, "-c", "Register a person")
	mu.Lock()
	defer mu.Unlock()
	if len(sent) != 1 || sent[caller+" "+secret] != 2 {
		t.Errorf("the requests had %v\n%s", sent, r.output)
	}
}
