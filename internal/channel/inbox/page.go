package inbox

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"strconv"

	"registrar/internal/registration"
)

// pageSize is how many messages one page lists.
const pageSize = 50

// The page takes everything from its own host, and no other page may frame it.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// An HTML mail has its own styles and nothing else: no script, no form, no
// image from anywhere, and an origin of its own.
const framePolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{"stamp": stamp, "snippet": snippet, "sms": isSMS}).
	ParseFS(assets, "assets/page.html"))

func isSMS(m Message) bool { return m.Channel == registration.SMSChannel }

type pageData struct {
	Options
	Messages     []Message
	Total        int
	Unread       int
	Start        int
	First, Last  int // of the listed messages, from 1
	Newer, Older int // Start of the pages beside this one; -1 for none
	Open         *Message
	AsText       bool
	Self         string // this page's address, for the refresh without a script
}

// page lists the messages, and shows the one that the path names beside them.
func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	start, err := strconv.Atoi(r.URL.Query().Get("start"))
	if err != nil || start < 0 {
		start = 0
	}
	data := pageData{Options: h.options, Start: start, Newer: -1, Older: -1, AsText: r.URL.Query().Get("view") == "text", Self: r.URL.RequestURI()}
	status := http.StatusOK
	if r.PathValue("id") != "" {
		m, err := h.find(r)
		switch {
		case errors.Is(err, registration.ErrNotFound):
			status = http.StatusNotFound
		case err != nil:
			h.fail(w, r, err)
			return
		default:
			if err := h.mailbox.MarkRead(r.Context(), m.ID); err != nil {
				h.fail(w, r, err)
				return
			}
			data.Open = &m
		}
	}
	if data.Messages, data.Total, err = h.mailbox.List(r.Context(), start, pageSize); err != nil {
		h.fail(w, r, err)
		return
	}
	if data.Unread, err = h.mailbox.Unread(r.Context()); err != nil {
		h.fail(w, r, err)
		return
	}
	data.First, data.Last = start+1, start+len(data.Messages)
	if start > 0 {
		data.Newer = max(0, start-pageSize)
	}
	if data.Last < data.Total {
		data.Older = start + pageSize
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		h.fail(w, r, err)
		return
	}
	setPolicy(w, pagePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// frame answers an HTML mail as it is, for the page's frame.
func (h *Handler) frame(w http.ResponseWriter, r *http.Request) {
	m, err := h.find(r)
	if errors.Is(err, registration.ErrNotFound) || err == nil && m.HTML == "" {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	setPolicy(w, framePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(m.HTML)) // as it is: the policy is a sandbox
}

// deleteAll is the page's button.
func (h *Handler) deleteAll(w http.ResponseWriter, r *http.Request) {
	if err := h.mailbox.Delete(r.Context(), nil); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
}
