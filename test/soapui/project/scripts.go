package project

import _ "embed"

// Groovy scripts of the project, each said once here and written into every
// case that needs it: SoapUI's open source edition has no script library.
var (
	//go:embed setup.groovy
	setup string
	//go:embed next_row.groovy
	nextRow string
	//go:embed again.groovy
	again string
)
