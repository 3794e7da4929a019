package gateway

// ParseBasic is parseBasic.
func ParseBasic(header string) (name, password string, ok bool) {
	b, ok := parseBasic(header)
	return b.name, b.password, ok
}
