package wss_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"registrar/soap"
	"registrar/soap/wss"
	"registrar/soap/xmlreader"
)

// handler is a HeaderHandler with what it gave to accept.
type handler struct {
	soap.HeaderHandler
	token   *wss.Token
	asked   int
	refused *soap.Error
}

type contextKey struct{}

// newHandler makes one whose clock stands at now.
func newHandler(now time.Time) *handler {
	h := &handler{}
	h.HeaderHandler = wss.HeaderHandler(wss.Settings{
		Now:     func() time.Time { return now },
		Refused: func(_ context.Context, _ *soap.Message, fault *soap.Error) { h.refused = fault },
	},
		func(ctx context.Context, _ *soap.Message, t *wss.Token) (context.Context, error) {
			h.asked++
			h.token = t
			return context.WithValue(ctx, contextKey{}, "accepted"), nil
		})
	return h
}

// process asks the handler for a message with these blocks.
func (h *handler) process(t testing.TB, blocks ...*xmlreader.Element) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	h.token, h.asked, h.refused = nil, 0, nil
	ctx, err := h.Process(t.Context(), &soap.Message{Version: soap.SOAP11, Operation: "Echo", Blocks: blocks, HTTP: r})
	if err == nil && (h.asked != 1 || ctx.Value(contextKey{}) != "accepted") || err != nil && h.asked != 0 {
		t.Errorf("accept was asked %d times with the error %v", h.asked, err)
	}
	if told, _ := errors.AsType[*soap.Error](err); told != h.refused {
		t.Errorf("told of %v, the error is %v", h.refused, err)
	}
	return err //nolint:wrapcheck // as it is
}

const (
	noon      = "2026-01-31T12:00:00Z"
	profile   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#"
	encodings = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#"
)

// header puts content into a Security header in an envelope.
func header(content string) string {
	return `<e:Envelope xmlns:e="u" xmlns:o="` + wss.SecextSpace + `" xmlns:u="` + wss.UtilitySpace + `"><e:Header><o:Security>` + content + `</o:Security></e:Header></e:Envelope>`
}

func usernameToken(content string) string {
	return `<o:UsernameToken>` + content + `</o:UsernameToken>`
}

// The parts of a token that is right at noon; digest is that of the three.
const (
	user   = `<o:Username>acme</o:Username>`
	plain  = `<o:Password>secret</o:Password>`
	nonce  = `<o:Nonce>QEFCQ0RFRkdISUpLTE1OTw==</o:Nonce>`
	fresh  = `<u:Created>` + noon + `</u:Created>`
	digest = `<o:Password Type="` + profile + `PasswordDigest">GHm8hq4CdFcO3drHhQ7iA09lyjs=</o:Password>`
)

func TestRow16WhatIsAccepted(t *testing.T) {
	wide := strings.Repeat("x", 256)
	for name, content := range map[string]string{
		"PasswordText, no Type":        usernameToken(user + plain),
		"any order":                    usernameToken(nonce + fresh + plain + user),
		"digest":                       usernameToken(user + digest + nonce + fresh),
		"PasswordText":                 usernameToken(user + `<o:Password Type=" ` + profile + `PasswordText ">secret</o:Password>`),
		"comments and CDATA":           usernameToken("<!-- c -->" + user + "\n\t<o:Password>se<!-- c --><![CDATA[cr]]>et</o:Password>"),
		"attributes":                   `<o:UsernameToken u:Id="a"><o:Username u:Id="b" x="y">acme</o:Username><o:Password u:Id="c">secret</o:Password></o:UsernameToken>`,
		"EncodingType":                 usernameToken(user + plain + `<o:Nonce EncodingType="` + encodings + `Base64Binary">QEFCQ0RFRkdISUpLTE1OTw==</o:Nonce>`),
		"the shortest nonce":           usernameToken(user + plain + `<o:Nonce>QEFCQ0RFRkc=</o:Nonce>`),
		"the longest nonce":            usernameToken(user + plain + `<o:Nonce>` + strings.Repeat("QEFC", 21) + `QA==</o:Nonce>`),
		"white space in the nonce":     usernameToken(user + plain + "<o:Nonce>\n QEFC Q0RF\r\nRkdI SUpLTE1OTw==\t</o:Nonce>"),
		"the longest username":         usernameToken(`<o:Username>` + wide + `</o:Username>` + plain),
		"offset":                       usernameToken(user + plain + `<u:Created>2026-01-31T14:30:00+02:30</u:Created>`),
		"offset of yesterday":          usernameToken(user + plain + `<u:Created>2026-01-30T22:00:00-14:00</u:Created>`),
		"fraction":                     usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00.1234567890123Z</u:Created>`),
		"no time zone is UTC":          usernameToken(user + plain + `<u:Created> 2026-01-31T12:00:00.5 </u:Created>`),
		"as old as may be":             usernameToken(user + plain + `<u:Created>2026-01-31T11:55:00Z</u:Created>`),
		"as far ahead as may be":       usernameToken(user + plain + `<u:Created>2026-01-31T12:01:00Z</u:Created>`),
		"Timestamp":                    usernameToken(user+plain) + `<u:Timestamp>` + fresh + `<u:Expires>2026-01-31T12:05:00Z</u:Expires></u:Timestamp>`,
		"Timestamp of Created":         usernameToken(user+plain) + `<u:Timestamp>` + fresh + `</u:Timestamp>`,
		"Timestamp of Expires":         usernameToken(user+plain) + `<u:Timestamp><u:Expires>2026-01-31T12:00:00Z</u:Expires></u:Timestamp>`,
		"Timestamp, expired just now":  usernameToken(user+plain) + `<u:Timestamp><u:Expires>2026-01-31T11:59:00Z</u:Expires></u:Timestamp>`,
		"Timestamp, ahead by the skew": usernameToken(user+plain) + `<u:Timestamp><u:Created>2026-01-31T12:01:00Z</u:Created></u:Timestamp>`,
		"Timestamp, long ago made":     usernameToken(user+plain) + `<u:Timestamp><u:Created>2020-01-31T12:01:00Z</u:Created></u:Timestamp>`,
		"Timestamp, empty":             usernameToken(user+plain) + `<u:Timestamp u:Id="x"> </u:Timestamp>`,
		"midnight as hour 24":          usernameToken(user+plain) + `<u:Timestamp><u:Expires>2026-01-31T24:00:00Z</u:Expires></u:Timestamp>`,
	} {
		h := newHandler(at(t, noon))
		if err := h.process(t, security(t, header(content))...); err != nil || h.token == nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if h.token.Username != username && h.token.Username != wide || h.token.Digest == nil && h.token.Text != "secret" ||
			h.token.Digest != nil && (!h.token.Digest.Matches("secret") || h.token.Digest.Matches("Secret")) {
			t.Errorf("%s: got %#v", name, h.token)
		}
	}
}

func TestRow16WhatIsRefused(t *testing.T) {
	invalid, unsupported, expired := wss.InvalidSecurity, wss.UnsupportedSecurityToken, wss.MessageExpired
	const ds, xenc = `xmlns:d="http://www.w3.org/2000/09/xmldsig#"`, `xmlns:x="http://www.w3.org/2001/04/xmlenc#"`
	good := usernameToken(user + plain)
	for name, test := range map[string]struct {
		content string
		want    soap.Name
	}{
		"two tokens":                       {good + good, invalid},
		"text beside the token":            {good + "x", invalid},
		"binary token":                     {`<o:BinarySecurityToken>AAAA</o:BinarySecurityToken>`, unsupported},
		"binary token beside one":          {good + `<o:BinarySecurityToken>AAAA</o:BinarySecurityToken>`, unsupported},
		"signature":                        {good + `<d:Signature ` + ds + `/>`, unsupported},
		"signature first":                  {`<d:Signature ` + ds + `/>` + good, unsupported},
		"encrypted key":                    {`<x:EncryptedKey ` + xenc + `/>` + good, unsupported},
		"encrypted token":                  {`<x:EncryptedData ` + xenc + `/>`, unsupported},
		"SAML":                             {`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>`, unsupported},
		"reference":                        {`<o:SecurityTokenReference/>`, unsupported},
		"Security in Security":             {`<o:Security>` + good + `</o:Security>`, unsupported},
		"token of a draft":                 {`<UsernameToken xmlns="http://schemas.xmlsoap.org/ws/2003/06/secext"/>`, unsupported},
		"token of 1.1's namespace":         {`<UsernameToken xmlns="http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"/>`, unsupported},
		"key derivation":                   {usernameToken(user + plain + `<Salt xmlns="http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd">AAAA</Salt>`), unsupported},
		"Created in wsse":                  {usernameToken(user + plain + `<o:Created>` + noon + `</o:Created>`), unsupported},
		"unknown child":                    {usernameToken(user + plain + `<x/>`), unsupported},
		"no children":                      {usernameToken(""), invalid},
		"no username":                      {usernameToken(plain), invalid},
		"no password":                      {usernameToken(user), invalid},
		"two usernames":                    {usernameToken(user + user + plain), invalid},
		"two passwords":                    {usernameToken(user + plain + plain), invalid},
		"two nonces":                       {usernameToken(user + plain + nonce + nonce), invalid},
		"two Createds":                     {usernameToken(user + plain + fresh + fresh), invalid},
		"text in the token":                {usernameToken(user + "x" + plain), invalid},
		"empty username":                   {usernameToken(`<o:Username> </o:Username>` + plain), invalid},
		"long username":                    {usernameToken(`<o:Username>` + strings.Repeat("x", 257) + `</o:Username>` + plain), invalid},
		"element in the username":          {usernameToken(`<o:Username>ac<b/>me</o:Username>` + plain), invalid},
		"empty password":                   {usernameToken(user + `<o:Password/>`), invalid},
		"long password":                    {usernameToken(user + `<o:Password>` + strings.Repeat("x", 1025) + `</o:Password>`), invalid},
		"element in the password":          {usernameToken(user + `<o:Password>s<b/></o:Password>`), invalid},
		"XOP in the nonce":                 {usernameToken(user + plain + `<o:Nonce><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:x"/></o:Nonce>`), invalid},
		"other Type":                       {usernameToken(user + `<o:Password Type="` + profile + `PasswordHash">x</o:Password>`), unsupported},
		"Type as a name":                   {usernameToken(user + `<o:Password Type="o:PasswordText">x</o:Password>`), unsupported},
		"empty Type":                       {usernameToken(user + `<o:Password Type="">x</o:Password>`), invalid},
		"Type twice":                       {usernameToken(user + `<o:Password Type="` + profile + `PasswordText" o:Type="` + profile + `PasswordDigest">x</o:Password>`), invalid},
		"hex nonce":                        {usernameToken(user + plain + `<o:Nonce EncodingType="` + encodings + `HexBinary">4041424344454647</o:Nonce>`), unsupported},
		"nonce not base64":                 {usernameToken(user + plain + `<o:Nonce>QEFC-_RFRkdISUpLTE1OTw==</o:Nonce>`), invalid},
		"nonce without padding":            {usernameToken(user + plain + `<o:Nonce>QEFCQ0RFRkdISUpLTE1OTw</o:Nonce>`), invalid},
		"nonce with bits behind its end":   {usernameToken(user + plain + `<o:Nonce>QEFCQ0RFRkdISUpLTE1OTx==</o:Nonce>`), invalid},
		"text behind the nonce":            {usernameToken(user + plain + `<o:Nonce>QEFCQ0RFRkdISUpLTE1OTw==QEFC</o:Nonce>`), invalid},
		"short nonce":                      {usernameToken(user + plain + `<o:Nonce>QEFCQ0RFRg==</o:Nonce>`), invalid},
		"empty nonce":                      {usernameToken(user + plain + `<o:Nonce/>`), invalid},
		"long nonce":                       {usernameToken(user + plain + `<o:Nonce>` + strings.Repeat("QEFC", 21) + `QEE=</o:Nonce>`), invalid},
		"digest without nonce":             {usernameToken(user + digest + fresh), invalid},
		"digest without Created":           {usernameToken(user + digest + nonce), invalid},
		"digest of another size":           {usernameToken(user + `<o:Password Type="` + profile + `PasswordDigest">AAAA</o:Password>` + nonce + fresh), invalid},
		"digest in hex":                    {usernameToken(user + `<o:Password Type="` + profile + `PasswordDigest">` + strings.Repeat("0a", 20) + `</o:Password>` + nonce + fresh), invalid},
		"empty digest":                     {usernameToken(user + `<o:Password Type="` + profile + `PasswordDigest"/>` + nonce + fresh), invalid},
		"too old":                          {usernameToken(user + plain + `<u:Created>2026-01-31T11:54:59.999Z</u:Created>`), expired},
		"digest, too old":                  {usernameToken(user + digest + nonce + `<u:Created>2026-01-31T11:00:00Z</u:Created>`), expired},
		"local time without a zone":        {usernameToken(user + plain + `<u:Created>2026-01-31T15:00:00</u:Created>`), invalid},
		"too far ahead":                    {usernameToken(user + plain + `<u:Created>2026-01-31T12:01:00.001Z</u:Created>`), invalid},
		"30 February":                      {usernameToken(user + plain + `<u:Created>2026-02-30T12:00:00Z</u:Created>`), invalid},
		"leap second":                      {usernameToken(user + plain + `<u:Created>2026-01-31T11:59:60Z</u:Created>`), invalid},
		"a date":                           {usernameToken(user + plain + `<u:Created>2026-01-31</u:Created>`), invalid},
		"a blank for T":                    {usernameToken(user + plain + `<u:Created>2026-01-31 12:00:00Z</u:Created>`), invalid},
		"small z":                          {usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00z</u:Created>`), invalid},
		"offset without a colon":           {usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00+0000</u:Created>`), invalid},
		"offset beyond 14 hours":           {usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00+14:01</u:Created>`), invalid},
		"comma":                            {usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00,5Z</u:Created>`), invalid},
		"endless fraction":                 {usernameToken(user + plain + `<u:Created>2026-01-31T12:00:00.` + strings.Repeat("0", 64) + `Z</u:Created>`), invalid},
		"empty Created":                    {usernameToken(user + plain + `<u:Created/>`), invalid},
		"element in Created":               {usernameToken(user + plain + `<u:Created>` + noon + `<b/></u:Created>`), invalid},
		"two Timestamps":                   {good + strings.Repeat(`<u:Timestamp>`+fresh+`</u:Timestamp>`, 2), invalid},
		"Timestamp in the token":           {usernameToken(user + plain + `<u:Timestamp>` + fresh + `</u:Timestamp>`), unsupported},
		"Timestamp with text":              {`<u:Timestamp>x` + fresh + `</u:Timestamp>`, invalid},
		"Timestamp with more":              {`<u:Timestamp>` + fresh + `<u:Received/></u:Timestamp>`, unsupported},
		"Timestamp, two Createds":          {`<u:Timestamp>` + fresh + fresh + `</u:Timestamp>`, invalid},
		"Timestamp, other order":           {`<u:Timestamp><u:Expires>2026-01-31T12:05:00Z</u:Expires>` + fresh + `</u:Timestamp>`, invalid},
		"Timestamp, expired":               {`<u:Timestamp><u:Expires>2026-01-31T11:58:59.999Z</u:Expires></u:Timestamp>`, expired},
		"Timestamp, expired, and a token":  {good + `<u:Timestamp><u:Expires>2026-01-31T11:58:59Z</u:Expires></u:Timestamp>`, expired},
		"Timestamp, from the future":       {`<u:Timestamp><u:Created>2026-01-31T12:01:00.001Z</u:Created></u:Timestamp>`, invalid},
		"Timestamp, expires before it is":  {`<u:Timestamp><u:Created>2026-01-31T12:00:30Z</u:Created><u:Expires>2026-01-31T12:00:29Z</u:Expires></u:Timestamp>`, invalid},
		"Timestamp, unreadable":            {`<u:Timestamp><u:Created>yesterday</u:Created></u:Timestamp>`, invalid},
		"Timestamp, Expires is unreadable": {`<u:Timestamp>` + fresh + `<u:Expires>never</u:Expires></u:Timestamp>`, invalid},
	} {
		h := newHandler(at(t, noon))
		expectRefusal(t, name, h.process(t, security(t, header(test.content))...), test.want)
	}
}

// expectRefusal checks that err is of that subcode.
func expectRefusal(t testing.TB, name string, err error, want soap.Name) {
	t.Helper()
	var own *soap.Error
	if !errors.As(err, &own) || own.Kind != soap.Unauthenticated || own.Subcode != want || own.Subsubcode != (soap.Name{}) || own.Reason == "" {
		t.Errorf("%s: got %+v, want %s", name, err, want.Local)
	}
}

func TestRow16OneSecurityHeader(t *testing.T) {
	blocks := security(t, header(usernameToken(user+plain)))
	h := newHandler(at(t, noon))
	other := &xmlreader.Element{Name: soap.Name{Space: "urn:other", Local: "Security"}}
	if err := h.process(t, other, blocks[0], other); err != nil || h.token == nil {
		t.Errorf("blocks of others are in the way: %v", err)
	}
	expectRefusal(t, "twice", h.process(t, blocks[0], blocks[0]), wss.InvalidSecurity)
	empty := security(t, header(""))[0]
	expectRefusal(t, "an empty one first", h.process(t, empty, blocks[0]), wss.InvalidSecurity)
}

func TestRow16AcceptIsAskedWithoutATokenToo(t *testing.T) {
	h := newHandler(at(t, noon))
	for name, blocks := range map[string][]*xmlreader.Element{
		"no header":       nil,
		"an empty header": security(t, header("\n")),
		"a Timestamp":     security(t, header(`<u:Timestamp>`+fresh+`</u:Timestamp>`)),
		"another header":  {{Name: soap.Name{Space: "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd", Local: "Security"}}},
	} {
		if err := h.process(t, blocks...); err != nil || h.token != nil || h.asked != 1 {
			t.Errorf("%s: %v, %v, asked %d times", name, h.token, err, h.asked)
		}
	}
}

func TestRow16ANonceIsToBeRememberedAsLongAsItCouldBeSentAgain(t *testing.T) {
	for name, test := range map[string]struct{ created, until string }{
		"made now":     {fresh, "2026-01-31T12:06:00Z"},
		"made earlier": {`<u:Created>2026-01-31T13:56:00+02:00</u:Created>`, "2026-01-31T12:02:00Z"},
		"made later":   {`<u:Created>2026-01-31T12:01:00Z</u:Created>`, "2026-01-31T12:07:00Z"},
		"nobody knows": {``, "2026-01-31T12:06:00Z"},
	} {
		h := newHandler(at(t, noon))
		if err := h.process(t, security(t, header(usernameToken(user+plain+nonce+test.created)))...); err != nil {
			t.Fatal(err)
		}
		if !h.token.Expires.Equal(at(t, test.until)) || string(h.token.Nonce) != "@ABCDEFGHIJKLMNO" {
			t.Errorf("%s: until %v", name, h.token.Expires)
		}
	}
	h := newHandler(at(t, noon))
	if err := h.process(t, security(t, header(usernameToken(user+plain+fresh)))...); err != nil || h.token.Nonce != nil || !h.token.Expires.IsZero() {
		t.Errorf("without a nonce there is nothing to remember: %v %v", h.token.Expires, err)
	}
}

func TestRow16ATokenDoesNotPrintItsPassword(t *testing.T) {
	token := wss.Token{Username: username, Text: "hunter2", Digest: &wss.Digest{Created: "hunter2"}}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "pointer", &token)
	printed := fmt.Sprintf("%v %+v %s %v", token, token, token, &token) + log.String()
	if strings.Contains(printed, "hunter2") || !strings.Contains(printed, "UsernameToken") {
		t.Error(printed)
	}
}

func TestSettings(t *testing.T) {
	var token *wss.Token
	h := wss.HeaderHandler(wss.Settings{MaxAge: time.Hour, MaxSkew: time.Minute}, func(ctx context.Context, _ *soap.Message, t *wss.Token) (context.Context, error) {
		token = t
		return ctx, nil
	})
	for age, want := range map[time.Duration]bool{59 * time.Minute: true, 61 * time.Minute: false, -30 * time.Second: true, -90 * time.Second: false} {
		token = nil
		created := `<u:Created>` + time.Now().Add(-age).UTC().Format(time.RFC3339) + `</u:Created>`
		_, err := h.Process(t.Context(), &soap.Message{Blocks: security(t, header(usernameToken(user+plain+created)))})
		if (err == nil) != want || (token != nil) != want {
			t.Errorf("made %v ago: %v", age, err)
		}
	}
}
