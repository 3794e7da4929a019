// Package config is the program's configuration: defaults, then a YAML file,
// then REGISTRAR_* variables, then flags, each over the one before.
//
// To be relied on: Load tells every problem at once, each with its key and
// what to do; an unknown key or variable is a problem; no secret is in an error
// text, in Redacted or in any way of printing a Config with fmt or slog.
//
// A variable is named after its key: REGISTRAR_DATABASE_PASSWORD_FILE is
// database.password_file. An empty variable counts as unset. Lists are
// separated by commas, maps are YAML: {Authorization: "Bearer x"}. Durations
// have units (ms, s, m, h, d), sizes too (B, KiB, MiB, KB, MB; a bare number is bytes).
package config
