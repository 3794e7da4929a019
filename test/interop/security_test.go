package interop_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"registrar/test/harness"
)

// challenged is who sends a user name and a password only when asked, and is
// not in the built-in list: KDSoap, which calls itself as browsers do.
const challenged = "quirks:\n  challenge_first: ['Mozilla/5.0']\n"

// TestClientsAuthenticate runs the scenario with every client in each way in
// which it can prove who it is, against a service that asks for it.
func TestClientsAuthenticate(t *testing.T) {
	rows := chosen(t)
	install(t, rows)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // has no error
	config := harness.Config(t, "callers: {key: "+base64.StdEncoding.EncodeToString(key)+"}\n"+challenged)
	service := harness.New(t, "--config", config)
	secret := addCaller(t, service, config, "interop")
	service.Start(t)

	var fault *harness.Fault
	if _, err := service.Lookup(t.Context(), "username", "nobody"); !errors.As(err, &fault) || fault.Code != "UNAUTHENTICATED" {
		t.Fatalf("without a credential the service answers %v", err)
	}
	scenario(t, service, rows, func(c client) []credential {
		all := make([]credential, len(c.security))
		for i, way := range c.security {
			all[i] = credential{security: way, caller: "interop", secret: secret}
		}
		return all
	})
	t.Run("a wrong secret", func(t *testing.T) {
		impostor := client{stack: "zeep", soap: "1.1", flavour: "impostor", more: others}
		for _, way := range everyWay {
			r := impostor.run(t, cache(t), service.URL, credential{security: way, caller: "interop", secret: strings.ToLower(secret)})
			if len(r.ok) > 0 || len(r.problem) != len(impostor.steps()) {
				t.Errorf("%s: ok %q, problems %q", way, r.ok, r.problem)
			}
		}
	})
}

var shownSecret = regexp.MustCompile(`(?m)^\s*secret\s+(\S+)$`)

// addCaller adds a caller to a service that does not run yet, and gives its secret.
func addCaller(t *testing.T, service *harness.Service, config, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), "caller", "add", name, "--digest", "--config", config, "--data-dir", filepath.Join(service.Dir, "data"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("registrar caller add: %v\n%s", err, out)
	}
	shown := shownSecret.FindSubmatch(out)
	if shown == nil {
		t.Fatalf("registrar caller add shows no secret:\n%s", out)
	}
	return string(shown[1])
}
