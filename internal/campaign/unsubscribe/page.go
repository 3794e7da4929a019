package unsubscribe

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"

	"golang.org/x/text/language"
)

//go:embed page.html
var pageText string

//go:embed page.css
var styles string

var (
	page = template.Must(template.New("page.html").Parse(pageText))
	// policy: nothing but the page's own style is loaded, and its form goes
	// back to where it came from.
	policy = "default-src 'none'; style-src 'sha256-" + hashOf(styles) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// saying is what a page tells.
type saying int

const (
	sayAsk    saying = iota // shall it end?
	sayGone                 // it has ended
	sayBack                 // it goes on again
	sayNoLink               // the link is none of ours
	sayLater                // not now
	sayBroken               // the request is none that there is
)

// view is a page.
type view struct {
	Status int
	Locale string // the person's; "" takes the browser's
	Says   saying
	Button string // wantOut or wantBack; "" for none
}

// words are a page's texts in one language.
type words struct {
	says    map[saying][2]string // a heading and a paragraph
	buttons map[string]string
}

// The languages of the page, as the matcher counts them.
var (
	languages = []language.Tag{language.English, language.Arabic}
	matcher   = language.NewMatcher(languages)
	texts     = []words{english, arabic}
)

var english = words{
	says: map[saying][2]string{
		sayAsk:    {"Unsubscribe?", "You will get no more offers and news. Messages about your account still reach you."},
		sayGone:   {"You are unsubscribed", "You get no more offers and news. Messages about your account still reach you."},
		sayBack:   {"You are subscribed again", "You will get offers and news again."},
		sayNoLink: {"This link does not work", "It may have been cut off. Open it from the message once more, or copy all of it."},
		sayLater:  {"Please try again in a minute", "Nothing was changed."},
		sayBroken: {"This did not work", "Nothing was changed. Open the link from the message once more."},
	},
	buttons: map[string]string{wantOut: "Unsubscribe", wantBack: "It was a mistake: subscribe again"},
}

var arabic = words{
	says: map[saying][2]string{
		sayAsk:    {"إلغاء الاشتراك؟", "لن تصلك عروض وأخبار بعد الآن. أما الرسائل المتعلقة بحسابك فستستمر في الوصول إليك."},
		sayGone:   {"تم إلغاء اشتراكك", "لن تصلك عروض وأخبار بعد الآن. أما الرسائل المتعلقة بحسابك فستستمر في الوصول إليك."},
		sayBack:   {"عاد اشتراكك", "ستصلك العروض والأخبار من جديد."},
		sayNoLink: {"هذا الرابط لا يعمل", "ربما نُسخ ناقصًا. افتحه من الرسالة مرة أخرى أو انسخه كاملًا."},
		sayLater:  {"حاول مرة أخرى بعد دقيقة من فضلك", "لم يتغير شيء."},
		sayBroken: {"تعذر تنفيذ الطلب", "لم يتغير شيء. افتح الرابط من الرسالة مرة أخرى."},
	},
	buttons: map[string]string{wantOut: "إلغاء الاشتراك", wantBack: "كان ذلك خطأ: أعد الاشتراك"},
}

// show writes a page.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, v view) {
	_, index := language.MatchStrings(matcher, v.Locale, r.Header.Get("Accept-Language"))
	text := texts[index]
	direction := "ltr"
	if languages[index] == language.Arabic {
		direction = "rtl"
	}
	var body bytes.Buffer
	err := page.Execute(&body, map[string]any{
		"Lang": languages[index].String(), "Dir": direction, "Brand": h.brand, "Styles": template.CSS(styles), //nolint:gosec // our own file
		"Heading": text.says[v.Says][0], "Text": text.says[v.Says][1], "Action": v.Button, "Button": text.buttons[v.Button], "Back": v.Button == wantBack,
	})
	if err != nil {
		h.log.Error("unsubscribe: the page cannot be made", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", languages[index].String())
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin") // not no-referrer, which makes browsers post the form with Origin: null
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(v.Status)
	_, _ = w.Write(body.Bytes()) // only a client that has gone
}
