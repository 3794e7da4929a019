package inbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"registrar/internal/channel/inbox"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// call makes a request as a browser or a program would; headers are name, value, ...
func call(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func TestListInMailpitsShape(t *testing.T) {
	url := serve(t, people(t))
	resp, body := call(t, "GET", url+"/api/v1/messages?start=0&limit=2", "")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s, %q", resp.Status, resp.Header.Get("Content-Type"))
	}
	var list struct {
		Total          int      `json:"total"`
		Unread         int      `json:"unread"`
		Count          int      `json:"count"`
		MessagesCount  int      `json:"messages_count"`
		MessagesUnread int      `json:"messages_unread"`
		Start          int      `json:"start"`
		Tags           []string `json:"tags"`
		Messages       []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if list.Total != 4 || list.Unread != 4 || list.Count != 2 || list.MessagesCount != 4 || list.MessagesUnread != 4 || len(list.Messages) != 2 {
		t.Errorf("counts: %+v", list)
	}
	sms := list.Messages[0]
	to := sms["To"].([]any)[0].(map[string]any)
	if to["Address"] != "+966512345678" || to["Name"] != "نور الهاشمي" || sms["Tags"].([]any)[0] != "sms" || sms["ID"] != idOf(4).String() {
		t.Errorf("the SMS: %v", sms)
	}
	mail := list.Messages[1]
	if mail["MessageID"] != idOf(3).String()+"@localhost" || mail["Tags"].([]any)[0] != "email" || mail["Subject"] == "" || mail["Read"] != false ||
		mail["From"].(map[string]any)["Address"] != "registrar@localhost" || !strings.HasPrefix(mail["Snippet"].(string), "مرحبًا") ||
		mail["Created"] != "2026-05-04T09:32:00Z" {
		t.Errorf("the e-mail: %v", mail)
	}
	for _, field := range []string{"Cc", "Bcc", "ReplyTo", "Username", "Size", "Attachments"} {
		if mail[field] == nil {
			t.Errorf("no %s", field)
		}
	}
}

func TestGetMarksAsRead(t *testing.T) {
	box := people(t)
	url := serve(t, box)
	_, body := call(t, "GET", url+"/api/v1/message/"+idOf(1).String(), "")
	var m struct {
		ID, MessageID, Subject, Text, HTML, Date string
		To                                       []struct{ Name, Address string }
		Size                                     int
		Inline, Attachments                      []any
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if m.ID != idOf(1).String() || m.To[0].Address != "ada@example.com" || m.To[0].Name != "Ada Lovelace" || m.Size != len(m.Text)+len(m.HTML) ||
		!strings.Contains(m.Text, "ada") || !strings.Contains(m.HTML, "<html") || m.Inline == nil || m.Attachments == nil {
		t.Errorf("%+v", m)
	}
	if unread, _ := box.Unread(t.Context()); unread != 3 {
		t.Errorf("%d unread after one was read", unread)
	}
	if _, body := call(t, "GET", url+"/api/v1/message/latest", ""); !strings.Contains(body, idOf(4).String()) {
		t.Error("latest is not the newest")
	}
}

func TestDelete(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		left       int
	}{
		{"two of them", `{"IDs":["` + idOf(1).String() + `","` + idOf(4).String() + `"]}`, 200, 2},
		{"one that is not there", `{"IDs":["` + idOf(9).String() + `"]}`, 200, 4},
		{"no body", "", 200, 0},
		{"no ids", `{"IDs":[]}`, 200, 0},
		{"not JSON", `{"IDs":`, 400, 4},
		{"not an id", `{"IDs":["1"]}`, 400, 4},
		{"another type", `{"IDs":"all"}`, 400, 4},
		{"too long", `{"IDs":["` + strings.Repeat("1", 2<<20) + `"]}`, 400, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := people(t)
			resp, _ := call(t, "DELETE", serve(t, box)+"/api/v1/messages", c.body)
			_, left, _ := box.List(t.Context(), 0, 10)
			if resp.StatusCode != c.status || left != c.left {
				t.Errorf("%d, %d left; want %d, %d", resp.StatusCode, left, c.status, c.left)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	url := serve(t, people(t))
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
	}{
		{"GET", "/api/v1/message/" + idOf(9).String(), nil, 404},
		{"GET", "/api/v1/message/nonsense", nil, 404},
		{"GET", "/api/v1/messages?start=-1", nil, 400},
		{"GET", "/api/v1/messages?limit=many", nil, 400},
		{"GET", "/api/v1/messages?start=999999&limit=999999", nil, 200},
		{"PATCH", "/api/v1/messages", nil, 405},
		{"GET", "/inbox", nil, 200},
		{"GET", "/inbox/", nil, 301},
		{"GET", "/inbox?start=4000", nil, 200},
		{"GET", "/inbox?start=x", nil, 200},
		{"GET", "/inbox/" + idOf(9).String(), nil, 404},
		{"GET", "/inbox/nonsense", nil, 404},
		{"GET", "/inbox/" + idOf(2).String() + "/html", nil, 404}, // an SMS
		{"GET", "/inbox/assets/inbox.css", nil, 200},
		{"GET", "/inbox/assets/page.html", nil, 404},
		{"POST", "/inbox/delete", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/inbox/delete", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST", "/inbox/delete", []string{"Origin", "http://evil.example"}, 403},
		{"DELETE", "/api/v1/messages", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/inbox/delete", nil, 404},
		{"POST", "/inbox/delete", []string{"Sec-Fetch-Site", "same-origin"}, 303},
	} {
		if resp, _ := call(t, c.method, url+c.path, "", c.headers...); resp.StatusCode != c.status {
			t.Errorf("%s %s %v: %d, want %d", c.method, c.path, c.headers, resp.StatusCode, c.status)
		}
	}
}

func TestPolicies(t *testing.T) {
	hostile := inbox.Message{ID: idOf(1), Channel: registration.EmailChannel, To: `<script>alert("to")</script>`, Name: `<img src=x onerror=alert(1)>`, Locale: `"><script>`,
		Subject: `</title><script>alert("subject")</script>`, Text: `</pre><script>alert("text")</script>`, HTML: `<script>alert("html")</script>`, CreatedAt: sentAt}
	url := serve(t, newMemory(hostile))
	for _, path := range []string{"/inbox", "/inbox/" + idOf(1).String(), "/inbox/" + idOf(1).String() + "?view=text"} {
		resp, body := call(t, "GET", url+path, "")
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") || strings.Contains(body, " style=") {
			t.Errorf("%s: what a message holds became part of the page", path)
		}
	}
	resp, _ := call(t, "GET", url+"/inbox/"+idOf(1).String()+"/html", "")
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox;") || strings.Contains(policy, "script") {
		t.Errorf("the frame's policy: %q", policy)
	}
}

func TestMailboxFailures(t *testing.T) {
	box := newMemory()
	box.err = errors.New("disk of ada@example.com is full")
	url := serve(t, box)
	for _, path := range []string{"/inbox", "/inbox/latest", "/inbox/" + idOf(1).String() + "/html", "/api/v1/messages", "/api/v1/message/latest"} {
		resp, body := call(t, "GET", url+path, "")
		if resp.StatusCode != http.StatusInternalServerError || strings.Contains(body, "ada@") {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
	sender := inbox.Sender{Mailbox: box, Channel: registration.EmailChannel}
	_, err := sender.Send(t.Context(), notify.Message{NotificationID: idOf(1)})
	if notify.ClassOf(err) != notify.Transient || strings.Contains(err.Error(), "ada@") {
		t.Errorf("Send: %v", err)
	}
}

func TestSendTwiceIsThereOnce(t *testing.T) {
	box := newMemory()
	sender := inbox.Sender{Mailbox: box, Channel: registration.SMSChannel}
	for range 2 {
		if _, err := sender.Send(t.Context(), notify.Message{NotificationID: idOf(1), To: "+447700900123", Text: "once"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, total, _ := box.List(t.Context(), 0, 10); total != 1 || !sender.Repeatable() {
		t.Errorf("%d messages", total)
	}
}

func TestPaging(t *testing.T) {
	box := newMemory()
	for i := range 120 {
		_ = box.Put(t.Context(), inbox.Message{ID: idOf(i + 1), Channel: registration.SMSChannel, To: "+447700900123", Text: "news", CreatedAt: sentAt})
	}
	url := serve(t, box)
	_, first := call(t, "GET", url+"/inbox", "")
	_, last := call(t, "GET", url+"/inbox?start=100", "")
	if !strings.Contains(first, "1 to 50 of 120") || !strings.Contains(first, "/inbox?start=50") {
		t.Error("the first page does not lead on")
	}
	if !strings.Contains(last, "101 to 120 of 120") || !strings.Contains(last, "/inbox?start=50") {
		t.Error("the last page does not lead back")
	}
}
