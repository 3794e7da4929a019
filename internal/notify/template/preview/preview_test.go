package preview_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"registrar/internal/notify/template"
	"registrar/internal/notify/template/preview"
)

func load() (*template.Catalog, error) {
	return template.Load(template.Options{CodeDomain: "example.com"})
}

func get(h http.Handler, method, address string) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, address, nil))
	return w.Result()
}

var reference = regexp.MustCompile(`(?:src|href)="([^"#]+)"`)

// TestWrittenAndServed: both have the same files, and each file that a page names.
func TestWrittenAndServed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "review")
	catalog, err := load()
	if err != nil {
		t.Fatal(err)
	}
	n, err := preview.Write(dir, catalog)
	if err != nil {
		t.Fatal(err)
	}
	h := preview.NewHandler(load)
	found := 0
	err = filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found++
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		r := get(h, http.MethodGet, "/"+filepath.ToSlash(name))
		if served, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK || !bytes.Equal(served, content) {
			t.Errorf("%s: %s, %v", name, r.Status, err)
		}
		policy := r.Header.Get("Content-Security-Policy")
		if mail := strings.HasPrefix(name, "mail"); !strings.Contains(policy, "default-src 'none'") || strings.HasPrefix(policy, "sandbox;") != mail || strings.Contains(policy, "script") {
			t.Errorf("%s: the policy is %s", name, policy)
		}
		if !strings.HasSuffix(name, ".html") || strings.HasPrefix(name, "mail") {
			return nil
		}
		for _, m := range reference.FindAllStringSubmatch(string(content), -1) {
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path.Clean(m[1])))); err != nil {
				t.Errorf("%s names %s", name, m[1])
			}
		}
		return nil
	})
	if err != nil || found != n || n < 8*(1+6) {
		t.Errorf("%d files, said %d, %v", found, n, err)
	}
}

// TestSchemes: a mail in the dark is not asked what the reader's system prefers.
func TestSchemes(t *testing.T) {
	dir := t.TempDir()
	catalog, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := preview.Write(dir, catalog); err != nil {
		t.Fatal(err)
	}
	for scheme, want := range map[string]string{"light": "@media (max-width: 0)", "dark": "@media (min-width: 0)"} {
		html, err := os.ReadFile(filepath.Join(dir, "mail", "usual-"+scheme, "verification_code.en.html"))
		if err != nil || strings.Contains(string(html), "prefers-color-scheme") || !strings.Contains(string(html), want) || !strings.Contains(string(html), "color-scheme: "+scheme+";") {
			t.Errorf("%s: %v %s", scheme, err, html)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	h := preview.NewHandler(load)
	for _, address := range []string{"/nothing", "/mail/usual-light/other.en.html", "/mail/usual-light/", "/../preview.go", "/page.html"} {
		if r := get(h, http.MethodGet, address); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", address, r.Status)
		}
	}
	if r := get(h, http.MethodPost, "/"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}

// TestProblemsAreAPage, and the files are read anew for each page.
func TestProblemsAreAPage(t *testing.T) {
	loads := 0
	h := preview.NewHandler(func() (*template.Catalog, error) {
		if loads++; loads == 1 {
			return nil, errors.Join(errors.New("template: a.txt <is> missing"), errors.New("template: b.txt is missing"))
		}
		return load()
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || strings.Count(w.Body.String(), "<li>") != 2 || !strings.Contains(w.Body.String(), "<li>a.txt &lt;is&gt; missing</li>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, address := range []string{"/", "/mail/usual-light/verification_code.en.html", "/preview.css"} {
		if r := get(h, http.MethodGet, address); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", address, r.Status)
		}
	}
	if loads != 2 {
		t.Errorf("the files were read %d times for two pages", loads)
	}
}
