package migration_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"registrar/internal/devstack"
)

// monolith is a process of the application in monolith.php. It may be asked by
// several goroutines.
type monolith struct {
	mu      sync.Mutex
	in      io.WriteCloser
	answers *bufio.Reader
	errors  *strings.Builder
}

// startMonolith starts one that calls the service at wsdl by the guide's classes, and
// ends with the test.
func startMonolith(t *testing.T, node *devstack.MariaDB, classes, wsdl, caller, secret string) *monolith {
	t.Helper()
	host, port, _ := strings.Cut(node.Address, ":")
	// The contract is not cached: another test's service may have had the port.
	cmd := exec.CommandContext(t.Context(), "php", "-d", "soap.wsdl_cache_enabled=0", "monolith.php")
	cmd.Env = append(os.Environ(), "MONOLITH_CLASSES="+classes, "MONOLITH_DSN=mysql:host="+host+";port="+port+";dbname=laravel;charset=utf8mb4", "MONOLITH_USER="+node.User,
		"MONOLITH_PASSWORD="+node.Password, "REGISTRAR_WSDL="+wsdl, "REGISTRAR_CALLER="+caller, "REGISTRAR_SECRET="+secret)
	m := &monolith{errors: &strings.Builder{}}
	cmd.Stderr = m.errors
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	m.in, m.answers = in, bufio.NewReader(out)
	return m
}

type fields map[string]any

// ask gives a command to the application and reads its answer into answer.
func (m *monolith) ask(do string, with fields, answer any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	command := fields{"do": do}
	for k, v := range with {
		command[k] = v
	}
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := m.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %s", err, m.errors)
	}
	text, err := m.answers.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%w: %s%s", err, text, m.errors)
	}
	var reply struct {
		OK    json.RawMessage
		Error string
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if reply.Error != "" {
		return fmt.Errorf("%s: %s", do, reply.Error)
	}
	return json.Unmarshal(reply.OK, answer)
}

// must is ask for what has to work.
func (m *monolith) must(t *testing.T, do string, with fields, answer any) {
	t.Helper()
	if err := m.ask(do, with, answer); err != nil {
		t.Fatal(err)
	}
}

// signedUp is what the application's own registration came to.
type signedUp struct {
	Outcome string
	ID      int
}

// registered is what the application came to by Registrar's.
type registered struct {
	Registration string
	Fault        string
	Message      string
	Fields       map[string]string
}

// verdict is what a login came to.
type verdict struct {
	Valid   bool
	ID      int
	Pending string // the registration whose code is to be entered first
	Fault   string
}

// someone is a person as the application's form has them.
func someone(name, email string) fields {
	return fields{"name": name, "email": email, "password": "velvet-anchor-tuesday"}
}
