package config

// LoadBytes loads a file's text without a file.
func LoadBytes(file []byte, environ []string) (Config, error) {
	return load(file, "registrar.yaml", nil, environ, nil)
}

// Variables are the names of all variables in the environment.
func Variables() []string {
	var names []string
	for _, k := range configTable.keys {
		names = append(names, k.variable())
	}
	return names
}

// FormatDuration and ParseDuration are each other's inverse.
var (
	FormatDuration = formatDuration
	ParseDuration  = parseDuration
)
