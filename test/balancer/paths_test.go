package balancer_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestRoundRobin: connections are spread evenly, and where HTTP is read, the
// calls of one connection too.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := start(t, 3, "", devstack.HAProxyOptions{Mode: mode})
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: mode == "tcp"}}
			defer client.CloseIdleConnections()
			for range 30 {
				if err := call(t.Context(), client, s.url()); err != nil {
					t.Fatal(err)
				}
			}
			webs, err := s.Webs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range webs {
				if w.Connections != 10 {
					t.Errorf("%v: not a third of 30", w)
				}
			}
		})
	}
}

// issue makes a certificate and its key in files, and gives a directory's with
// both in one.
func issue(t *testing.T, authority *devstack.Authority, name string) (certificate, key, both string) {
	t.Helper()
	crt, private, err := authority.Issue(pkix.Name{CommonName: name})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range map[string][]byte{"crt": crt, "key": private, "both": append(bytes.Clone(crt), private...)} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "crt"), filepath.Join(dir, "key"), filepath.Join(dir, "both")
}

// TestTLS: it ends at the web server or at the balancer; either way the web
// server knows that it was there.
func TestTLS(t *testing.T) {
	t.Parallel()
	authority, err := devstack.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			certificate, key, both := issue(t, authority, "the end in "+mode)
			var s *system
			if mode == "http" {
				s = start(t, 1, "", devstack.HAProxyOptions{Mode: mode, Certificate: both})
			} else {
				s = start(t, 1, fmt.Sprintf("tls: {certificate_file: %s, key_file: %s}\n", certificate, key), devstack.HAProxyOptions{Mode: mode})
			}
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
			defer client.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.About().Address+"/registration?wsdl", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			wsdl, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Contains(wsdl, []byte(`location="https://127.0.0.1`)) {
				t.Errorf("%v, an address that is not https in %s", err, wsdl)
			}
			if name := resp.TLS.PeerCertificates[0].Subject.CommonName; name != "the end in "+mode {
				t.Errorf("TLS ends at %q", name)
			}
		})
	}
}

// forgedHeader is a PROXY header of version 2 that tells of a connection from
// this machine itself (PROXY protocol, 2.2).
func forgedHeader() []byte {
	h := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0, 12, 127, 0, 0, 1, 127, 0, 0, 1)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(h, 40000), 80)
}

// TestTheCallersAddress arrives, and a caller cannot make it another one: over a
// plain connection a password is taken from this machine alone.
func TestTheCallersAddress(t *testing.T) {
	t.Parallel()
	network, err := devstack.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			web := harness.New(t, "--config", harness.Config(t, behind+"callers: {refresh: 200ms}\n"))
			add := exec.CommandContext(t.Context(), harness.Binary(t), "caller", "add", "erp", "--data-dir", filepath.Join(web.Dir, "data"))
			shown, err := add.Output()
			secret := regexp.MustCompile(`(?m)^  secret  ([A-Z2-7]{26})$`).FindSubmatch(shown)
			if err != nil || secret == nil {
				t.Fatalf("%v: no secret in %s", err, shown)
			}
			web.Start(t)
			port, err := devstack.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			b, err := devstack.StartHAProxy(t.Context(), devstack.HAProxyOptions{
				Dir: t.TempDir(), Mode: mode, Address: fmt.Sprintf("0.0.0.0:%d", port), Webs: []devstack.Upstream{upstream("web1", web)},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Kill)
			for _, test := range []struct {
				name, from, header, want string
				before                   []byte
			}{
				{name: "this machine itself", from: "127.0.0.1", want: "NOT_FOUND"},
				{name: "elsewhere", from: network.Gateway, want: "UNAUTHENTICATED"},
				{name: "elsewhere, saying that it was TLS", from: network.Gateway, header: "X-Forwarded-Proto: https\r\n", want: "UNAUTHENTICATED"},
				{name: "elsewhere, with a header of its own", from: network.Gateway, before: forgedHeader(), want: "400"},
			} {
				answer, err := raw(t.Context(), fmt.Sprintf("%s:%d", test.from, port), string(test.before), test.header, string(secret[1]))
				if err != nil || !strings.Contains(answer, test.want) {
					t.Errorf("%s: %v, no %s in %s", test.name, err, test.want, answer)
				}
			}
		})
	}
}

// raw sends a call with a password, behind whatever comes before, and gives all
// of the answer. It comes from the address that it goes to.
func raw(ctx context.Context, address, before, header, secret string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/registration", nil)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth("erp", secret)
	_, err = fmt.Fprintf(conn, "%sPOST /registration HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\nAuthorization: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		before, req.Header.Get("Authorization"), header, len(lookUp), lookUp)
	if err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.Status + " " + string(body), err
}
