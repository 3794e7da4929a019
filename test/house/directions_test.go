// Package house_test keeps the house in order: who may import whom, and that
// generated code is what its sources make.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

const module = "registrar"

// packages are those of this module, tests aside.
func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := map[string]goPackage{}
	for dec := json.NewDecoder(out); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("go list found %d packages only", len(found))
	}
	return found
}

// under says whether path is one of the packages or below one.
func under(path string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// TestOnlyOneSees: a library of a technology is seen by the package named after it.
func TestOnlyOneSees(t *testing.T) {
	t.Parallel()
	rules := []struct {
		library string
		by      []string
	}{
		{"github.com/jmoiron/sqlx", []string{"registrar/internal/store"}},
		// internal/transfer/source reads the monolith's database, which is none of the store's.
		{"github.com/go-sql-driver/mysql", []string{"registrar/internal/store", "registrar/internal/devstack", "registrar/internal/transfer/source"}},
		{"modernc.org/sqlite", []string{"registrar/internal/store"}},
		{"github.com/pressly/goose/v3", []string{"registrar/internal/store", "registrar/schema"}},
		{"github.com/segmentio/kafka-go", []string{"registrar/internal/queue", "registrar/internal/devstack"}},
		{"github.com/twmb/franz-go", []string{"registrar/internal/queue"}},
		{"github.com/hooklift/gowsdl", []string{"registrar/wsdl/registrationv1", "registrar/internal/endpoint", "registrar/test/interop/gowsdl"}},
		{"registrar/wsdl/registrationv1", []string{"registrar/internal/endpoint", "registrar/test/interop/gowsdl"}},
		{"github.com/wneessen/go-mail", []string{"registrar/internal/channel/smtp"}},
		{"github.com/emersion/go-msgauth", []string{"registrar/internal/channel/smtp"}},
		{"github.com/emersion/go-smtp", []string{"registrar/internal/bounce"}},
		{"github.com/linxGnu/gosmpp", []string{"registrar/internal/channel/smpp"}},
		{"github.com/pires/go-proxyproto", []string{"registrar/internal/transport"}},
		{"github.com/nyaruka/phonenumbers", []string{"registrar/internal/address"}},
		{"github.com/knadh/koanf", []string{"registrar/internal/config"}},
		{"github.com/spf13/cobra", []string{"registrar/cmd"}},
		{"github.com/vbauerster/mpb/v8", []string{"registrar/cmd"}},
		{"github.com/santhosh-tekuri/jsonschema/v6", nil}, // tests alone
		{"github.com/prometheus/client_golang", []string{"registrar/internal/telemetry"}},
		{"golang.org/x/crypto", []string{"registrar/internal/password"}},
		{"github.com/go-crypt/crypt", []string{"registrar/internal/password/legacy"}},
		{"google.golang.org/grpc", []string{"registrar/internal/tier"}},
		{"google.golang.org/protobuf", []string{"registrar/internal/tier"}},
		{"registrar/internal/tier/tierv1", []string{"registrar/internal/tier"}},
	}
	all := packages(t)
	for _, rule := range rules {
		for path, p := range all {
			for _, imported := range p.Imports {
				if under(imported, rule.library) && !under(path, rule.by...) && !under(path, rule.library) {
					t.Errorf("%s imports %s: only %v may", path, imported, rule.by)
				}
			}
		}
	}
}

// TestTheDomainKnowsNoTechnology: standard library and x/text, all the way down.
func TestTheDomainKnowsNoTechnology(t *testing.T) {
	t.Parallel()
	for _, dep := range packages(t)[module+"/internal/registration"].Deps {
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && !under(dep, "golang.org/x/text") || under(dep, module) {
			t.Errorf("internal/registration depends on %s", dep)
		}
	}
}

// TestSOAPKnowsNothingOfRegistration keeps the runtime usable for any contract.
func TestSOAPKnowsNothingOfRegistration(t *testing.T) {
	t.Parallel()
	for path, p := range packages(t) {
		if !under(path, module+"/soap") {
			continue
		}
		for _, dep := range p.Deps {
			if under(dep, module) && !under(dep, module+"/soap") {
				t.Errorf("%s depends on %s", path, dep)
			}
		}
	}
}

// TestAdaptersDoNotKnowEachOther: they meet in cmd alone, by interfaces of their callers.
func TestAdaptersDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	adapters := []string{
		module + "/soap", module + "/internal/transport", module + "/internal/store", module + "/internal/queue", module + "/internal/bounce", module + "/internal/tier",
		module + "/internal/channel/smtp", module + "/internal/channel/smpp", module + "/internal/channel/httpsms", module + "/internal/channel/inbox",
	}
	// The store keeps the inbox's messages, by the inbox's own interface and type.
	allowed := map[[2]string]bool{{module + "/internal/store", module + "/internal/channel/inbox"}: true}
	for path, p := range packages(t) {
		for _, from := range adapters {
			if !under(path, from) {
				continue
			}
			for _, imported := range p.Imports {
				for _, to := range adapters {
					if to != from && under(imported, to) && !allowed[[2]string{from, to}] {
						t.Errorf("%s imports %s", path, imported)
					}
				}
			}
		}
	}
}

// TestCallersKnowNoProtocolAndNoDatabase: standard library, the domain's errors
// and the loop that removes what is over; who calls is proved by interfaces.
func TestCallersKnowNoProtocolAndNoDatabase(t *testing.T) {
	t.Parallel()
	callers := packages(t)[module+"/internal/caller"]
	known := []string{module + "/internal/registration", module + "/internal/sweep"}
	for _, imported := range callers.Imports {
		first, _, _ := strings.Cut(imported, "/")
		if strings.Contains(first, ".") || under(imported, module) && !slices.Contains(known, imported) {
			t.Errorf("internal/caller imports %s", imported)
		}
	}
}

// TestDeadLettersKnowNoTechnology: the topic and the decisions are others'.
func TestDeadLettersKnowNoTechnology(t *testing.T) {
	t.Parallel()
	letters := packages(t)[module+"/internal/deadletter"]
	if len(letters.Imports) == 0 {
		t.Fatal("there is no internal/deadletter")
	}
	for _, imported := range letters.Imports {
		if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") || under(imported, module) {
			t.Errorf("internal/deadletter imports %s", imported)
		}
	}
}

// TestTheGatewayStandsBetweenSOAPAndCallers: cmd alone puts it there.
func TestTheGatewayStandsBetweenSOAPAndCallers(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all[module+"/internal/gateway"].Imports) == 0 {
		t.Fatal("there is no internal/gateway")
	}
	for path, p := range all {
		for _, imported := range p.Imports {
			switch {
			case path == module+"/internal/gateway":
				if under(imported, module) && !under(imported, module+"/soap", module+"/internal/caller", module+"/internal/registration") {
					t.Errorf("internal/gateway imports %s", imported)
				}
			case imported == module+"/internal/gateway" && !under(path, module+"/cmd"):
				t.Errorf("%s imports internal/gateway", path)
			case imported == module+"/internal/caller" && !under(path, module+"/cmd", module+"/internal/store", module+"/internal/tier"):
				t.Errorf("%s imports internal/caller", path)
			}
		}
	}
}

// TestNobodyImportsCmd: it only wires.
func TestNobodyImportsCmd(t *testing.T) {
	t.Parallel()
	for path, p := range packages(t) {
		for _, imported := range p.Imports {
			if under(imported, module+"/cmd") {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		if under(path, module+"/internal/devstack") {
			continue
		}
		if !under(path, module+"/test", module+"/cmd/cluster") && slices.Contains(p.Deps, module+"/internal/devstack") {
			t.Errorf("%s depends on internal/devstack, which is for tests and development", path)
		}
	}
}
