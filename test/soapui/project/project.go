package project

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"strings"
	"text/template"

	"registrar/wsdl"
)

//go:embed project.xml.tmpl
var text string

var document = template.Must(template.New("project").Funcs(template.FuncMap{"xml": escape, "cdata": cdata}).Parse(text))

// suite is a test suite.
type suite struct {
	Name, Description string
	Disabled          bool // not run with the project, but by itself
	Cases             []testCase
}

// testCase is a test case. With a table its steps run once for each row.
type testCase struct {
	Name, Description string
	OwnCredentials    bool // its requests send others than the project's caller and secret, or none
	Table             *table
	Steps             []step
	Load              *load
}

// load is a load test of a case's steps, for a person to start.
type load struct {
	Name    string
	Threads int
	Seconds int
}

// step is one of the kinds of steps that the template knows.
type step struct {
	Kind       string // request, http, transfer, groovy
	Name       string
	Version    version // of a request
	Operation  string  // of a request
	Method     string  // of an http step
	Path       string  // of the service's URL, of an http step
	Headers    []header
	Encoding   string // of a request
	Content    string // what is sent, or the script
	Assertions []assertion
	From       string // the step that a transfer reads registrationId of
}

// header is a header of an HTTP request.
type header struct{ Name, Value string }

// XML is the project file.
func XML() ([]byte, error) {
	description, err := definition()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = document.Execute(&b, map[string]any{
		"Versions":    versions,
		"Operations":  wsdl.Operations(),
		"Space":       namespace,
		"URL":         address,
		"Description": description,
		"Schema":      string(wsdl.Schema),
		"Suites":      []suite{register(), getRegistration(), verifyContact(), resendCode(), verifyPassword(), edge(), callers()},
		"Scripts":     map[string]string{"Unique": unique, "Basic": basic, "NextRow": nextRow, "Again": again},
	})
	if err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	return b.Bytes(), nil
}

// The default service, whose documents the project holds.
const address = "http://127.0.0.1:8080/registration"

// definition is the description as the service at address serves it.
func definition() (string, error) {
	s := string(wsdl.Description)
	for old, served := range map[string]string{
		`location="http://localhost:8080/registration"`: `location="` + address + `"`,
		`schemaLocation="registration.xsd"`:             `schemaLocation="` + address + `?xsd=registration.xsd"`,
	} {
		if !strings.Contains(s, old) {
			return "", fmt.Errorf("project: the description has no %s", old)
		}
		s = strings.ReplaceAll(s, old, served)
	}
	return s, nil
}

// readable takes back what needs no escaping in this file.
var readable = strings.NewReplacer("&#xA;", "\n", "&#39;", "'")

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder has no errors
	return readable.Replace(b.String())
}

func cdata(s string) string {
	return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
}
