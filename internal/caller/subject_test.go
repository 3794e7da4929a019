package caller_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"registrar/internal/caller"
)

var (
	oidCN    = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidO     = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOU    = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidEmail = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	oidOwn   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 7}
)

// certificateOf makes a certificate with a subject and reads it back.
func certificateOf(t testing.TB, subject []byte) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: subject, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func der(t testing.TB, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type part = pkix.AttributeTypeAndValue

func typed(tag int, s string) asn1.RawValue { return asn1.RawValue{Tag: tag, Bytes: []byte(s)} }

func TestASubjectIsTheSameAsWrittenAndAsInTheCertificate(t *testing.T) {
	t.Parallel()
	acme := []part{{Type: oidO, Value: "Acme"}}
	for _, test := range []struct {
		name    string
		subject pkix.RDNSequence // as in the certificate: the first is the last in text
		want    string
		written []string
	}{
		{
			"spaces, case and numbers", pkix.RDNSequence{acme, {{Type: oidCN, Value: "erp"}}}, "CN=erp,O=Acme",
			[]string{"CN=erp, O=Acme", "O = Acme, CN = erp", " cn = erp ,  o  =Acme ", "commonName=erp,OrganizationName=Acme", "2.5.4.3=erp,OID.2.5.4.10=Acme", `CN="erp",O="Acme"`, "CN=#0c03657270,O=#130441636d65", `CN=\65rp,O=Acme`},
		},
		{
			"several parts", pkix.RDNSequence{acme, {{Type: oidOU, Value: "It"}, {Type: oidCN, Value: "erp"}}}, "CN=erp+OU=It,O=Acme",
			[]string{"OU=It+CN=erp,O=Acme", "ou = It + cn = erp , O=Acme"},
		},
		{
			"special characters", pkix.RDNSequence{{{Type: oidO, Value: `Acme, "Inc." <a+b>;\=#`}}, {{Type: oidCN, Value: " #erp "}}}, `CN=\ #erp\ ,O=Acme\, \"Inc.\" \<a\+b\>\;\\=#`,
			[]string{`CN=" #erp ",O="Acme, \"Inc.\" <a+b>;\\=#"`, `CN=\20\23erp\20,O=Acme\2C \22Inc.\22 \3Ca\2Bb\3E\3B\5C\3D\23`, `CN=\ \#erp\ , O=Acme\, \"Inc.\" \<a\+b\>\;\\\=\#`},
		},
		{"a leading number sign", pkix.RDNSequence{{{Type: oidCN, Value: "#1"}}}, `CN=\#1`, []string{`CN="#1"`}},
		{"other scripts", pkix.RDNSequence{{{Type: oidCN, Value: "نظام"}}, {{Type: oidO, Value: "Šeria"}}}, "CN=نظام,O=Šeria", []string{`O=\C5\A0eria,CN=نظام`}},
		{"control characters", pkix.RDNSequence{{{Type: oidCN, Value: "a\x00b\nc"}}}, `CN=a\00b\0ac`, []string{"CN=a\\00b\nc"}},
		{"other names", pkix.RDNSequence{{{Type: oidOwn, Value: "x"}}, {{Type: oidEmail, Value: typed(asn1.TagIA5String, "a@b")}}}, "1.3.6.1.4.1.99999.7=x,EMAILADDRESS=a@b", []string{"E=a@b,1.3.6.1.4.1.99999.7=#1301 78", "emailAddress=a@b,oid.1.3.6.1.4.1.99999.7=x"}},
		{"other string types", pkix.RDNSequence{{{Type: oidO, Value: typed(asn1.TagT61String, "Acme")}}, {{Type: oidCN, Value: typed(asn1.TagBMPString, "\x00e\x00r\x00p")}}}, "CN=erp,O=Acme", nil},
		{"an empty value", pkix.RDNSequence{{{Type: oidCN, Value: ""}}}, "CN=", []string{`CN=""`, "cn = "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := caller.Subject(certificateOf(t, der(t, test.subject)))
			if got != test.want || err != nil {
				t.Errorf("the certificate's is %q, %v\nwant %q", got, err, test.want)
			}
			for _, written := range append(test.written, test.want) {
				written = strings.ReplaceAll(written, "1301 78", "130178")
				if got, err := caller.ParseSubject(written); got != test.want || err != nil {
					t.Errorf("%q is %q, %v\nwant %q", written, got, err, test.want)
				}
			}
		})
	}
}

func TestDifferentSubjectsAreNotTheSame(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, written := range []string{
		"CN=erp,O=Acme", "O=Acme,CN=other", "CN=erp,O=Acme,OU=It", "CN=erp,OU=It,O=Acme", "CN=erp+O=Acme", "CN=ERP,O=Acme", `CN=erp\,O=Acme`, `CN=erp\+O=Acme`,
		"CN=erp", `CN=erp\ `, `CN=\ erp`, "CN=e rp", "CN=e  rp", "CN=", "OU=erp", "CN=erp,O=Acme,O=Acme", "CN=#0403657270", `CN=\#0403657270`, "2.5.4.999=erp",
	} {
		got, err := caller.ParseSubject(written)
		if err != nil {
			t.Errorf("%q: %v", written, err)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are the same: %q", written, other, got)
		}
		seen[got] = written
	}
}

func TestWhatIsNoSubject(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		"", " ", "erp", "=erp", "CN", "CN=erp,", ",CN=erp", "CN=erp,,O=Acme", "CN=erp+", "CN=erp;O=Acme", "/O=Acme/CN=erp", "XY=erp", "C N=erp",
		`CN="erp`, `CN="erp"x`, `CN=e"rp`, `CN=e<rp`, `CN=erp\`, `CN=erp\x`, `CN=\ff`, "CN=\xff", "CN=e\x00rp",
		"CN=#", "CN=#0", "CN=#zz", "CN=#0c0365727", "CN=#0c036572", "CN=#0c0365727000", "1=erp", "2.05.4.3=erp", "3.5=erp", "2.5.4.=erp",
		"CN=" + strings.Repeat("x", 1022), strings.Repeat("CN=x,", 5000),
	} {
		if got, err := caller.ParseSubject(written); got != "" || !errors.Is(err, caller.ErrSubject) {
			t.Errorf("%.40q is taken: %.40q, %v", written, got, err)
		}
	}
	for name, subject := range map[string][]byte{
		"an empty one":    der(t, pkix.RDNSequence{}),
		"one too long":    der(t, pkix.RDNSequence{{{Type: oidCN, Value: strings.Repeat("x", 1022)}}}),
		"nothing":         nil,
		"not a sequence":  {asn1.TagInteger, 1, 1},
		"more behind it":  append(der(t, pkix.RDNSequence{{{Type: oidCN, Value: "x"}}}), 0),
		"an empty member": {0x30, 2, 0x31, 0},
	} {
		if got, err := caller.Subject(&x509.Certificate{RawSubject: subject}); got != "" || !errors.Is(err, caller.ErrSubject) {
			t.Errorf("%s is taken: %.40q, %v", name, got, err)
		}
	}
}

// TestAValueThatIsNoTextIsItsDER: neither a string that is broken nor one of
// another class can look like a text.
func TestAValueThatIsNoTextIsItsDER(t *testing.T) {
	t.Parallel()
	for _, value := range []asn1.RawValue{
		{Tag: asn1.TagOctetString, Bytes: []byte("erp")},
		{Tag: asn1.TagInteger, Bytes: []byte{7}},
		{Tag: asn1.TagUTF8String, Bytes: []byte{0xff}},
		{Tag: asn1.TagT61String, Bytes: []byte{0xe4}},
		{Tag: asn1.TagBMPString, Bytes: []byte{0}},
		{Class: asn1.ClassContextSpecific, Tag: asn1.TagUTF8String, Bytes: []byte("erp")},
		{Tag: asn1.TagSequence, IsCompound: true, Bytes: []byte{asn1.TagInteger, 1, 7}},
	} {
		want := "CN=#" + hex.EncodeToString(der(t, value))
		got, err := caller.Subject(&x509.Certificate{RawSubject: der(t, pkix.RDNSequence{{{Type: oidCN, Value: value}}})})
		if got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		if again, err := caller.ParseSubject(want); again != want || err != nil {
			t.Errorf("%q is read as %q, %v", want, again, err)
		}
	}
}

// FuzzParseSubject: the canonical text is that of itself.
func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{"CN=erp,O=Acme", `cn="a, b"+2.5.4.10=\ x\20`, "CN=#0c03657270,1.2.3=#020107", `CN=\C5\A0,E=a@b`, "CN=erp;O=x", `CN="`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := caller.ParseSubject(s)
		if err != nil {
			if got != "" || !errors.Is(err, caller.ErrSubject) {
				t.Fatalf("%q: %q, %v", s, got, err)
			}
			return
		}
		if got == "" || len(got) > 1024 || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) {
			t.Fatalf("%q is %q", s, got)
		}
		if again, err := caller.ParseSubject(got); again != got || err != nil {
			t.Fatalf("%q is %q, and that is %q, %v", s, got, again, err)
		}
	})
}

// FuzzSubject: the text of whatever stands in a certificate reads as itself,
// and what the standard library writes for a subject of texts reads the same.
func FuzzSubject(f *testing.F) {
	f.Add("erp", "Acme, Inc.", true)
	f.Add(" #a+b ", `"\;<>=`, false)
	f.Fuzz(func(t *testing.T, a, b string, together bool) {
		dn := pkix.RDNSequence{{{Type: oidCN, Value: a}}, {{Type: oidO, Value: b}}}
		if together {
			dn = pkix.RDNSequence{{{Type: oidCN, Value: a}, {Type: oidO, Value: b}}}
		}
		raw, err := asn1.Marshal(dn)
		if err != nil {
			return // not UTF-8
		}
		got, err := caller.Subject(&x509.Certificate{RawSubject: raw})
		if err != nil {
			if len(a)+len(b) < 300 {
				t.Fatalf("%q %q: %v", a, b, err)
			}
			return
		}
		if again, err := caller.ParseSubject(got); again != got || err != nil {
			t.Fatalf("%q is read as %q, %v", got, again, err)
		}
		if strings.Contains(a+b, "\x00") {
			return // the standard library does not escape it
		}
		if again, err := caller.ParseSubject(dn.String()); again != got || err != nil {
			t.Fatalf("%q is read as %q, %v, want %q", dn.String(), again, err, got)
		}
	})
}
