package config

import "encoding/base64"

// Audit is the audit log.
type Audit struct {
	// Key is by what entries are known to be written by a holder of it: 32 octets in base64 (openssl rand -base64 32), the
	// same at every server. KeyFile holds it instead. At most one of them; without one, entries are known by their chain alone.
	Key     Secret `koanf:"key"`
	KeyFile string `koanf:"key_file"`
}

// auditKeyBytes is the size of the key of the audit log.
const auditKeyBytes = 32

func (v *validator) audit(a Audit) {
	if a.Key == "" {
		return
	}
	if key, err := base64.StdEncoding.DecodeString(a.Key.Reveal()); err != nil || len(key) != auditKeyBytes {
		v.add("audit.key", "must be 32 octets in base64", "make one by openssl rand -base64 32")
	}
}

// AuditKey is the key of the audit log; nil for none. It is right in a Config
// that is valid.
func (c Config) AuditKey() []byte {
	key, err := base64.StdEncoding.DecodeString(c.Audit.Key.Reveal())
	if err != nil || len(key) == 0 {
		return nil
	}
	return key
}
