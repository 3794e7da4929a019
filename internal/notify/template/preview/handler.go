package preview

import (
	"net/http"
	"path"
	"strings"
	"sync"

	templates "registrar/internal/notify/template"
)

// The page takes everything from its own host, and no other page may frame it.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// A mail has its own styles and nothing else, and an origin of its own.
const framePolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Handler serves the preview at /.
type Handler struct {
	load func() (*templates.Catalog, error)

	mu     sync.Mutex
	latest *templates.Catalog // of the page that was asked for last; its frames are of the same
}

// NewHandler makes one that calls load for each page that is asked for, so that
// a change of a template shows after a reload. load is not called concurrently.
func NewHandler(load func() (*templates.Catalog, error)) *Handler { return &Handler{load: load} }

// ServeHTTP answers with one file. Templates that cannot be loaded are a page
// with all problems and status 500.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The preview is only read.", http.StatusMethodNotAllowed)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", pagePolicy)
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	content, status, err := h.file(name)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case content == nil:
		http.NotFound(w, r)
		return
	}
	switch path.Ext(name) {
	case ".css":
		header.Set("Content-Type", "text/css; charset=utf-8")
	case ".svg":
		header.Set("Content-Type", "image/svg+xml")
	default:
		header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if strings.HasPrefix(name, "mail/") {
		header.Set("Content-Security-Policy", framePolicy)
	}
	w.WriteHeader(status)
	_, _ = w.Write(content) //nolint:gosec // made by our templates, which escape; a mail stands in a sandbox
}

// file makes one file; nil is for none.
func (h *Handler) file(name string) (content []byte, status int, err error) {
	shared, err := styles()
	if err != nil || shared[name] != nil {
		return shared[name], http.StatusOK, err
	}
	v, found := viewOf(name)
	if !found {
		return nil, 0, nil
	}
	catalog, wrong := h.catalog(name == v.file())
	switch {
	case wrong != nil:
		content, err = v.problems(wrong)
		return content, http.StatusInternalServerError, err
	case name == v.file():
		content, err = v.page(catalog)
		return content, http.StatusOK, err
	}
	frames, err := v.frames(catalog)
	return frames[name], http.StatusOK, err
}

func (h *Handler) catalog(anew bool) (*templates.Catalog, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !anew && h.latest != nil {
		return h.latest, nil
	}
	c, err := h.load()
	if err == nil {
		h.latest = c
	}
	return c, err
}
