package unsubscribe

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

// Consents keeps who is written to.
type Consents interface {
	// Standing says whether a person is written to by a channel, as far as
	// their own wish goes, and in which locale. Errors: registration.ErrNotFound.
	Standing(ctx context.Context, account registration.ID, channel registration.Channel) (consented bool, locale string, err error)
	// Withdraw ends it, also when it was ended before. Errors: registration.ErrNotFound.
	Withdraw(ctx context.Context, account registration.ID, channel registration.Channel, now time.Time) error
	// Restore takes a Withdraw back. Errors: registration.ErrNotFound.
	Restore(ctx context.Context, account registration.ID, channel registration.Channel) error
}

const (
	maxBody      = 4 << 10          // of a form with one field
	storeTimeout = 10 * time.Second // of one request
	maxRunning   = 32               // requests that are in the database at once
)

// Handler is the page. It may be mounted at any path: it is told by the query.
type Handler struct {
	links    *campaign.Links
	consents Consents
	brand    string
	now      func() time.Time
	log      *slog.Logger
	running  chan struct{}
	visits   visits
}

// New makes a Handler. brand is the service's name on the page.
func New(links *campaign.Links, consents Consents, brand string, now func() time.Time, log *slog.Logger) *Handler {
	return &Handler{links: links, consents: consents, brand: brand, now: now, log: log, running: make(chan struct{}, maxRunning)}
}

// ServeHTTP shows the page, and does what a POST asks for.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		h.show(w, r, view{Status: http.StatusMethodNotAllowed, Says: sayBroken})
		return
	}
	s, err := h.links.Parse(r.URL.Query().Get("t"))
	if err != nil {
		h.show(w, r, view{Status: http.StatusNotFound, Says: sayNoLink})
		return
	}
	if !h.visits.admit(s.AccountID, h.now()) {
		w.Header().Set("Retry-After", "60")
		h.show(w, r, view{Status: http.StatusTooManyRequests, Says: sayLater})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		h.busy(w, r)
		return
	}
	if r.Method == http.MethodPost {
		h.post(ctx, w, r, s)
		return
	}
	consented, locale, err := h.consents.Standing(ctx, s.AccountID, s.Channel)
	switch {
	case errors.Is(err, registration.ErrNotFound):
		h.show(w, r, view{Status: http.StatusOK, Says: sayGone})
	case err != nil:
		h.failed(w, r, err)
	case consented:
		h.show(w, r, view{Status: http.StatusOK, Locale: locale, Says: sayAsk, Button: wantOut})
	default:
		h.show(w, r, view{Status: http.StatusOK, Locale: locale, Says: sayGone, Button: wantBack})
	}
}

// What a form may ask for, in the field "action".
const (
	wantOut  = "unsubscribe"
	wantBack = "subscribe"
)

// post does what a form asks for: that of the page, or that of RFC 8058.
func (h *Handler) post(ctx context.Context, w http.ResponseWriter, r *http.Request, s campaign.Subscription) {
	want, status := wanted(w, r)
	var err error
	switch want {
	case wantOut:
		err = h.consents.Withdraw(ctx, s.AccountID, s.Channel, h.now())
	case wantBack:
		err = h.consents.Restore(ctx, s.AccountID, s.Channel)
	default:
		h.show(w, r, view{Status: status, Says: sayBroken})
		return
	}
	if errors.Is(err, registration.ErrNotFound) { // there is nobody any more who could be written to
		h.show(w, r, view{Status: http.StatusOK, Says: sayGone})
		return
	}
	if err != nil {
		h.failed(w, r, err)
		return
	}
	h.log.Info("consent to marketing changed by a link", "wanted", want, "account", s.AccountID.String(), "channel", string(s.Channel), "campaign", s.CampaignID.String())
	v := view{Status: http.StatusOK, Says: sayGone, Button: wantBack}
	if want == wantBack {
		v = view{Status: http.StatusOK, Says: sayBack, Button: wantOut}
	}
	if _, v.Locale, err = h.consents.Standing(ctx, s.AccountID, s.Channel); err != nil {
		v.Locale = "" // the page is then in the browser's language: what was asked for is done
	}
	h.show(w, r, v)
}

// wanted reads the form, of either kind that RFC 8058 section 3.2 names.
// status is for one that asks for nothing that there is.
func wanted(w http.ResponseWriter, r *http.Request) (want string, status int) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case "multipart/form-data":
		err = r.ParseMultipartForm(maxBody) //nolint:gosec // the body is bounded above
	default:
		return "", http.StatusUnsupportedMediaType
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return "", http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return "", http.StatusBadRequest
	}
	if r.PostForm.Get("List-Unsubscribe") == "One-Click" {
		return wantOut, 0
	}
	return r.PostForm.Get("action"), http.StatusBadRequest
}

func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		h.log.Error("unsubscribe: the database failed", "error", err)
	}
	h.busy(w, r)
}

func (h *Handler) busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	h.show(w, r, view{Status: http.StatusServiceUnavailable, Says: sayLater})
}
