package house_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheContractsTypesAreCurrent runs gowsdl on the contract and compares.
func TestTheContractsTypesAreCurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"registration.wsdl", "registration.xsd"} {
		b, err := os.ReadFile(filepath.Join("../../wsdl", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "gowsdl", "-p", "registrationv1", "-o", "registration.go", "-d", dir, filepath.Join(dir, "registration.wsdl"))
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gowsdl: %v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(dir, "registrationv1", "registration.go"))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../wsdl/registrationv1/registration.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, committed) {
		t.Error("wsdl/registrationv1 is not what the contract makes: run `make generate` and commit")
	}
}

// TestTheHopsTypesAreCurrent runs the compiler on the .proto and compares.
func TestTheHopsTypesAreCurrent(t *testing.T) {
	t.Parallel()
	const hop = "../../internal/tier/tierv1"
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "../../hack/protoc/run", filepath.Join(hop, "tier.proto"), dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("protoc: %v\n%s", err, out)
	}
	for _, name := range []string{"tier.pb.go", "tier_grpc.pb.go"} {
		made, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(filepath.Join(hop, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, committed) {
			t.Errorf("internal/tier/tierv1/%s is not what tier.proto makes: run `make generate` and commit", name)
		}
	}
}
