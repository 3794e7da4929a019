package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/wsdl"
)

// startGSOAP makes a server of the contract by gSOAP, as its manual says, and
// starts it. It gives its address.
func startGSOAP(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	source, err := filepath.Abs("gsoap/server.c")
	if err != nil {
		b.Fatal(err)
	}
	for name, content := range map[string][]byte{"registration.wsdl": wsdl.Description, "registration.xsd": wsdl.Schema} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, command := range []string{
		"wsdl2h -c -o registration.h registration.wsdl",
		"soapcpp2 -S -c -x -L -1 -I/usr/share/gsoap/import registration.h",
		"gcc -O2 -I. -o server " + source + " soapC.c soapServer.c -lgsoap -lpthread",
	} {
		argv := strings.Fields(command)
		cmd := exec.CommandContext(b.Context(), argv[0], argv[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v (hack/deps installs gSOAP)\n%s", argv[0], err, out)
		}
	}
	return start(b, "gsoap", dir, filepath.Join(dir, "server"))
}
