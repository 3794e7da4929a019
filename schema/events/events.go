// Package events holds the JSON Schemas (draft 2020-12) of the data of events
// for other systems, one for each type and version.
//
// To be relied on: a schema's $id is the dataschema attribute of its events; a
// schema that was released is changed by optional members at most.
package events

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.json
var files embed.FS

const suffix = ".json"

// Types names the types that there are, in alphabetical order.
func Types() []string {
	names, err := fs.Glob(files, "*"+suffix)
	if err != nil {
		panic(err) // of the pattern
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, suffix)
	}
	return names
}

// Schema gives the schema of a type, such as
// "registrar.registration.completed.v1". The error is fs.ErrNotExist.
func Schema(eventType string) ([]byte, error) {
	text, err := files.ReadFile(eventType + suffix)
	if err != nil {
		return nil, fmt.Errorf("events: no schema of %q: %w", eventType, fs.ErrNotExist)
	}
	return text, nil
}
