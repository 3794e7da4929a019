package service_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// lookUp is a request that a caller who may call gets NOT_FOUND for.
const lookUp = "<r:GetRegistrationRequest><r:username>nobody</r:username></r:GetRegistrationRequest>"

// digestToken is a WS-Security header with a PasswordDigest and a nonce of its own.
func digestToken(name, secret string) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	created := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.Sum([]byte(string(nonce) + created + secret))
	const profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	return `<w:Security xmlns:w="` + profile + `wssecurity-secext-1.0.xsd" xmlns:u="` + profile + `wssecurity-utility-1.0.xsd" soap:mustUnderstand="1"><w:UsernameToken>` +
		`<w:Username>` + name + `</w:Username><w:Password Type="` + profile + `username-token-profile-1.0#PasswordDigest">` + base64.StdEncoding.EncodeToString(sum[:]) + `</w:Password>` +
		`<w:Nonce EncodingType="` + profile + `soap-message-security-1.0#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</w:Nonce><u:Created>` + created + `</u:Created></w:UsernameToken></w:Security>`
}

func withHeader(header string) string {
	return strings.Replace(harness.Envelope(lookUp), "<soap:Body>", "<soap:Header>"+header+"</soap:Header><soap:Body>", 1)
}

var faultCode = regexp.MustCompile(`<code>([A-Z_]+)</code>`)

// send posts an envelope and gives the code of the fault that comes, and when
// to come again, in seconds.
func send(ctx context.Context, client *http.Client, url, envelope string, change func(*http.Request)) (code string, retryAfter int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(envelope))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if change != nil {
		change(req)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", 0, err
	}
	found := faultCode.FindSubmatch(answer)
	if found == nil {
		return "", 0, fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	retryAfter, _ = strconv.Atoi(resp.Header.Get("Retry-After"))
	return string(found[1]), retryAfter, nil
}

// TestServersShareTheirCallers: what a caller has used up at one server is
// used up at the other, and what an operator changes holds at both.
func TestServersShareTheirCallers(t *testing.T) {
	t.Parallel()
	_, database := harness.MariaDB(t)
	_, queue := harness.Kafka(t)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	file := harness.Config(t, database+queue+harness.CheapHash+"callers: {refresh: 200ms, key: "+base64.StdEncoding.EncodeToString(key)+"}\n")
	c := callerCommand{[]string{"--config", file}}
	digests := c.secret(t, "add", "digests", "--digest")
	limited := c.secret(t, "add", "limited", "--rate", "5", "--burst", "10", "--daily-quota", "40")
	servers := []*harness.Service{harness.New(t, "--config", file), harness.New(t, "--config", file)}
	for _, s := range servers {
		s.Start(t)
	}
	want := func(at int, what, code, envelope string, change func(*http.Request)) {
		t.Helper()
		if got, _, err := send(t.Context(), http.DefaultClient, servers[at].URL, envelope, change); err != nil || got != code {
			t.Errorf("%s: %s, %v; want %s", what, got, err, code)
		}
	}

	first := withHeader(digestToken("digests", digests))
	want(0, "a digest", "NOT_FOUND", first, nil)
	want(0, "the same again", "UNAUTHENTICATED", first, nil)
	want(1, "the same at the other server", "UNAUTHENTICATED", first, nil)
	want(1, "another nonce", "NOT_FOUND", withHeader(digestToken("digests", digests)), nil)
	want(1, "a wrong secret", "UNAUTHENTICATED", withHeader(digestToken("digests", limited)), nil)
	want(1, "an unknown caller", "UNAUTHENTICATED", withHeader(digestToken("nobody", digests)), nil)
	if err := servers[0].Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	servers[0].Start(t)
	want(0, "the same after a restart", "UNAUTHENTICATED", first, nil)

	// The limits hold over both: a burst of 10 and then 5 a second, 40 in all.
	as := func(r *http.Request) { r.SetBasicAuth("limited", limited) }
	passed, began := 0, time.Now()
	for i := 0; passed < 30; i++ {
		code, retryAfter, err := send(t.Context(), http.DefaultClient, servers[i%2].URL, harness.Envelope(lookUp), as)
		switch {
		case err != nil:
			t.Fatal(err)
		case code == "NOT_FOUND":
			passed++
		case code != "RATE_LIMITED" || retryAfter < 1:
			t.Fatalf("%s, retry after %d", code, retryAfter)
		}
		// What each server holds, of a rate of 5, is one call.
		if most := 10 + 5*time.Since(began).Seconds() + 2; float64(passed) > most {
			t.Fatalf("%d calls passed in %v", passed, time.Since(began))
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.ok(t, "update", "limited", "--rate", "0", "--burst", "0") // the quota alone
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		code, retryAfter, err := send(ctx, http.DefaultClient, servers[passed%2].URL, harness.Envelope(lookUp), as)
		switch {
		case err != nil:
			return err
		case code == "NOT_FOUND":
			passed++
			return fmt.Errorf("%d calls passed", passed)
		case retryAfter < 60: // the rate is still limited here
			return fmt.Errorf("%s, retry after %d s", code, retryAfter)
		}
		return nil
	})
	if passed > 40 {
		t.Errorf("%d calls passed of a quota of 40", passed)
	}

	c.ok(t, "disable", "digests")
	for at := range servers {
		harness.Eventually(t, 10*time.Second, func(ctx context.Context) error {
			code, _, err := send(ctx, http.DefaultClient, servers[at].URL, withHeader(digestToken("digests", digests)), nil)
			if err == nil && code != "UNAUTHENTICATED" {
				err = fmt.Errorf("a disabled caller is told %s", code)
			}
			return err
		})
	}
	for _, s := range servers {
		if log := s.Log(t); strings.Contains(log, digests) || strings.Contains(log, limited) {
			t.Error("a secret is in the log")
		}
	}
}

// TestTLS: passwords over TLS only, client certificates, and a certificate
// that is renewed while the service runs off loopback.
func TestTLS(t *testing.T) {
	t.Parallel()
	authority, err := devstack.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	renew := func(name string) (certificate, key string) {
		certificatePEM, keyPEM, err := authority.Issue(pkix.Name{CommonName: name})
		if err != nil {
			t.Fatal(err)
		}
		return write("tls.crt", certificatePEM), write("tls.key", keyPEM)
	}
	certificate, key := renew("first")
	file := harness.Config(t, harness.CheapHash+"callers: {refresh: 200ms}\n"+
		fmt.Sprintf("tls: {certificate_file: %s, key_file: %s, client_ca_file: %s}\n", certificate, key, write("ca.pem", authority.PEM())))
	s := harness.New(t, "--config", file)
	c := callerCommand{[]string{"--config", file, "--data-dir", filepath.Join(s.Dir, "data")}}
	secret := c.secret(t, "add", "erp")
	c.ok(t, "add", "mesh", "--no-secret", "--certificate-subject", "O=Acme, CN=mesh")
	s.Start(t)

	client := func(subject *pkix.Name) *http.Client {
		config := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
		if subject != nil {
			certificatePEM, keyPEM, err := authority.Issue(*subject)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: config}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: 15 * time.Second}
	}
	url := strings.Replace(s.URL, "http://", "https://", 1)
	basic := func(name, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, secret) }
	}
	for _, tt := range []struct {
		name, code string
		client     *http.Client
		change     func(*http.Request)
	}{
		{"no credential", "UNAUTHENTICATED", client(nil), nil},
		{"a password", "NOT_FOUND", client(nil), basic("erp", secret)},
		{"a wrong password", "UNAUTHENTICATED", client(nil), basic("erp", secret[1:]+"A")},
		{"a certificate", "NOT_FOUND", client(&pkix.Name{CommonName: "mesh", Organization: []string{"Acme"}}), nil},
		{"a certificate of nobody", "UNAUTHENTICATED", client(&pkix.Name{CommonName: "mesh", Organization: []string{"Other"}}), nil},
		{"a certificate and the password of another caller", "UNAUTHENTICATED", client(&pkix.Name{CommonName: "mesh", Organization: []string{"Acme"}}), basic("erp", secret)},
	} {
		if code, _, err := send(t.Context(), tt.client, url, harness.Envelope(lookUp), tt.change); err != nil || code != tt.code {
			t.Errorf("%s: %s, %v; want %s", tt.name, code, err, tt.code)
		}
	}

	renew("second")
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?wsdl", nil)
		if err != nil {
			return err
		}
		resp, err := client(nil).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		wsdl, err := io.ReadAll(resp.Body)
		if err == nil && !bytes.Contains(wsdl, []byte(`location="https://127.0.0.1:`)) {
			err = fmt.Errorf("the WSDL tells another address: %s", wsdl)
		}
		if name := resp.TLS.PeerCertificates[0].Subject.CommonName; err == nil && name != "second" {
			err = fmt.Errorf("the certificate is %q", name)
		}
		return err
	})
}

// TestPasswordsInTheClear: over plain connections from elsewhere a password is
// refused before it is compared; a digest is not.
func TestPasswordsInTheClear(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	file := harness.Config(t, harness.CheapHash+"callers: {refresh: 200ms, key: "+key+"}\ntrusted_proxies: [127.0.0.0/8]\n")
	s := harness.New(t, "--config", file)
	c := callerCommand{[]string{"--config", file, "--data-dir", filepath.Join(s.Dir, "data")}}
	secret := c.secret(t, "add", "erp", "--digest")
	s.Start(t)
	from := func(proto string, password bool) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "192.0.2.7")
			r.Header.Set("X-Forwarded-Proto", proto)
			if password {
				r.SetBasicAuth("erp", secret)
			}
		}
	}
	for _, tt := range []struct {
		name, envelope, code string
		change               func(*http.Request)
	}{
		{"a password over http", harness.Envelope(lookUp), "UNAUTHENTICATED", from("http", true)},
		{"a password over https up to the proxy", harness.Envelope(lookUp), "NOT_FOUND", from("https", true)},
		{"a digest over http", withHeader(digestToken("erp", secret)), "NOT_FOUND", from("http", false)},
	} {
		if code, _, err := send(t.Context(), http.DefaultClient, s.URL, tt.envelope, tt.change); err != nil || code != tt.code {
			t.Errorf("%s: %s, %v; want %s", tt.name, code, err, tt.code)
		}
	}
}

// TestOffLoopback: it starts there with a caller, and then lets nobody else in.
func TestOffLoopback(t *testing.T) {
	t.Parallel()
	port, err := devstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := harness.New(t, "--listen", fmt.Sprintf("0.0.0.0:%d", port))
	url := fmt.Sprintf("http://127.0.0.1:%d/registration", port)
	c := callerCommand{[]string{"--data-dir", filepath.Join(s.Dir, "data")}}
	secret := c.secret(t, "add", "erp")
	s.Start(t)
	for name, want := range map[string]string{"erp": "NOT_FOUND", "": "UNAUTHENTICATED"} {
		code, _, err := send(t.Context(), http.DefaultClient, url, harness.Envelope(lookUp), func(r *http.Request) {
			if name != "" {
				r.SetBasicAuth(name, secret)
			}
		})
		if err != nil || code != want {
			t.Errorf("caller %q: %s, %v; want %s", name, code, err, want)
		}
	}
}
