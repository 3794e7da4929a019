package inbox

import (
	"embed"
	"log/slog"
	"net/http"
	"net/mail"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// Options is what the page and the API say of the sender.
type Options struct {
	Brand string // the product's name
	From  mail.Address
	// FirstRequest is a command line that sends a first registration, shown
	// while the inbox is empty; "" leaves it out.
	FirstRequest string
}

// Handler serves the page under /inbox and the API under /api/v1. Requests that
// change something are refused when another site's page makes a browser send
// them (http.CrossOriginProtection).
type Handler struct {
	mailbox Mailbox
	options Options
	log     *slog.Logger
	mux     http.Handler
}

// NewHandler makes the handler of a mailbox.
func NewHandler(mailbox Mailbox, options Options, log *slog.Logger) *Handler {
	h := &Handler{mailbox: mailbox, options: options, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inbox", h.page)
	mux.HandleFunc("GET /inbox/{id}", h.page)
	mux.HandleFunc("GET /inbox/{id}/html", h.frame)
	mux.HandleFunc("POST /inbox/delete", h.deleteAll)
	files := http.StripPrefix("/inbox/", withPolicy("default-src 'none'", http.FileServerFS(assets)))
	for _, name := range []string{"inbox.css", "inbox.js", "icon.svg"} {
		mux.Handle("GET /inbox/assets/"+name, files)
	}
	mux.HandleFunc("GET /inbox/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/inbox", http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /api/v1/messages", h.apiList)
	mux.HandleFunc("DELETE /api/v1/messages", h.apiDelete)
	mux.HandleFunc("GET /api/v1/message/{id}", h.apiGet)
	h.mux = http.NewCrossOriginProtection().Handler(mux)
	return h
}

// Paths are the patterns under which the handler is to be mounted.
func (h *Handler) Paths() []string { return []string{"/inbox", "/inbox/", "/api/v1/"} }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// withPolicy adds a Content-Security-Policy and what goes with it.
func withPolicy(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPolicy(w, policy)
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func setPolicy(w http.ResponseWriter, policy string) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// fail answers what went wrong inside; the cause goes to the log alone.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.log.ErrorContext(r.Context(), "inbox", "path", r.Pattern, "error", err)
	http.Error(w, "The inbox cannot be read now.", http.StatusInternalServerError)
}

// snippet is the beginning of a text in one line, at most 250 characters.
func snippet(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	return string(line[:min(len(line), 250)])
}

func stamp(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }
