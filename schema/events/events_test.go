package events_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"registrar/schema/events"
)

// released lists the schemas that are out, in sha256sum's form.
//
//go:embed released.sha256
var released []byte

// TestReleased: what other systems rely on is not changed by accident. A new
// optional member is no harm: write the new sum down. Anything else is a new
// version, in a file of its own.
func TestReleased(t *testing.T) {
	t.Parallel()
	sums := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(released)); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("line %q", lines.Text())
		}
		sums[strings.TrimSuffix(name, ".json")] = sum
	}
	for _, name := range events.Types() {
		text, err := events.Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != sums[name] {
			t.Errorf("%s is not as it was released", name)
		}
		delete(sums, name)
	}
	for name := range sums {
		t.Errorf("%s was released and is gone", name)
	}
}

// TestSchemas: each is one, of draft 2020-12, and named after its type.
func TestSchemas(t *testing.T) {
	t.Parallel()
	if len(events.Types()) < 4 || !slices.IsSorted(events.Types()) {
		t.Errorf("the types are %v", events.Types())
	}
	for _, name := range events.Types() {
		text, err := events.Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		id := "urn:registrar:event:" + name
		of := parsed.(map[string]any)
		if of["$id"] != id || of["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: $id %v, $schema %v", name, of["$id"], of["$schema"])
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(id, parsed); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := c.Compile(id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := events.Schema("../schema"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown type: %v", err)
	}
}
