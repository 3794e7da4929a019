package project

import _ "embed"

// Groovy scripts of the project, each said once here and written into every
// case that needs it: SoapUI's open source edition has no script library.
var (
	//go:embed unique.groovy
	unique string
	//go:embed basic.groovy
	basic string
	//go:embed next_row.groovy
	nextRow string
	//go:embed again.groovy
	again string
	//go:embed credentials.groovy
	makeCredentials string
	//go:embed rate_limited.groovy
	untilLimited string
)
