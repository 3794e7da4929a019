package soapui_test

import (
	"encoding/xml"
	"os"
	"testing"
)

const projectPath = "registrar-soapui-project.xml"

// projectFile is what a SoapUI project says that it tests.
type projectFile struct {
	Suites []struct {
		Name     string     `xml:"name,attr"`
		Disabled bool       `xml:"disabled,attr"`
		Cases    []caseFile `xml:"testCase"`
	} `xml:"testSuite"`
}

type caseFile struct {
	Name  string `xml:"name,attr"`
	Steps []struct {
		Name string     `xml:"name,attr"`
		SOAP []struct{} `xml:"config>request>assertion"`
		HTTP []struct{} `xml:"config>assertion"`
		Rows []struct{} `xml:"config>properties>property"`
	} `xml:"testStep"`
	Loads []struct{} `xml:"loadTest"`
}

// assertions is how many a run of the case has: its steps' for each row of its
// table, whose first property is not a row but the columns.
func (c caseFile) assertions() int {
	rows, each := 1, 0
	for _, s := range c.Steps {
		if s.Name == "Table" {
			rows = len(s.Rows) - 1
		}
		each += len(s.SOAP) + len(s.HTTP)
	}
	return rows * each
}

func readProject(t *testing.T, path string) projectFile {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p projectFile
	if err := xml.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// only is the project as a run of one case sees it.
func (p projectFile) only(name string) projectFile {
	for _, s := range p.Suites {
		for _, c := range s.Cases {
			if c.Name == name {
				s.Cases = []caseFile{c}
				p.Suites = append(p.Suites[:0:0], s)
				return p
			}
		}
	}
	return projectFile{}
}

// onlySuite is the project as a run of one suite sees it, which may be one
// that does not run by itself.
func (p projectFile) onlySuite(name string) projectFile {
	for _, s := range p.Suites {
		if s.Name == name {
			s.Disabled = false
			p.Suites = append(p.Suites[:0:0], s)
			return p
		}
	}
	return projectFile{}
}
