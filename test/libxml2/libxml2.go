// Package libxml2 is a second reader of XML, for tests that compare the
// project's own with it: libxml2 and its validator of XML Schema, by Debian's
// python3-lxml, in a process of its own.
package libxml2

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
)

//go:embed libxml2.py
var script string

// python is Debian's: lxml is installed for no other.
const python = "/usr/bin/python3"

// Name is namespace and local name.
type Name [2]string

// Token is one step through a document: one of Start, Text and End is set.
type Token struct {
	Start      *Name
	Attributes [][3]string // of Start: namespace, local name, value
	Text       string
	End        *Name
}

// Document is what libxml2 says of one.
type Document struct {
	Error   string // why it is not well-formed; "" if it is
	Tokens  []Token
	Invalid string // why it is not valid; "" if it is, or there is no schema
}

// Reader reads documents, one at a time.
type Reader struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out io.Reader
}

// Start starts a reader that ends with the test. schema is the path of a schema, "" for none.
func Start(tb testing.TB, schema string) *Reader {
	tb.Helper()
	args := []string{"-c", script}
	if schema != "" {
		args = append(args, schema)
	}
	cmd := exec.Command(python, args...) //nolint:gosec,noctx // our own script, which ends with its input
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	errs := &tail{}
	cmd.Stderr = errs
	if err := errors.Join(err1, err2); err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("libxml2: %v (hack/deps installs it)", err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("libxml2: %v: %s (hack/deps installs python3-lxml)", err, errs.text)
		}
	})
	return &Reader{in: in, out: out}
}

// Read reads a document in UTF-8.
func (r *Reader) Read(doc string) (Document, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(doc))), doc...)); err != nil {
		return Document{}, fmt.Errorf("libxml2: %w", err)
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(r.out, length); err != nil {
		return Document{}, fmt.Errorf("libxml2: %w", err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(length))
	if _, err := io.ReadFull(r.out, answer); err != nil {
		return Document{}, fmt.Errorf("libxml2: %w", err)
	}
	var d Document
	if err := json.Unmarshal(answer, &d); err != nil {
		return Document{}, fmt.Errorf("libxml2: %w", err)
	}
	return d, nil
}

// tail keeps the end of what is written.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-2000):]
	return len(p), nil
}
