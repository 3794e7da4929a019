package config

import (
	"encoding/base64"
	"slices"
	"time"
)

// callerKeyBytes is the size of an AES-256 key.
const callerKeyBytes = 32

func (v *validator) tls(t TLS) {
	if (t.CertificateFile == "") != (t.KeyFile == "") {
		v.add("tls.certificate_file", "and tls.key_file belong together", "set both, or none for plain text")
	}
	if t.ClientCAFile != "" && t.CertificateFile == "" {
		v.add("tls.client_ca_file", "needs tls.certificate_file", "client certificates come with TLS alone")
	}
	v.oneOf("tls.min_version", t.MinVersion, "1.2", "1.3")
}

func (v *validator) callers(c Callers) {
	if c.Key != "" {
		if key, err := base64.StdEncoding.DecodeString(c.Key.Reveal()); err != nil || len(key) != callerKeyBytes {
			v.add("callers.key", "must be 32 octets in base64", "make one by openssl rand -base64 32")
		}
	}
	v.between("callers.refresh", c.Refresh, 100*time.Millisecond, time.Minute)
}

func (v *validator) quirks(q Quirks) {
	for key, agents := range map[string][]string{"quirks.fault_status_500": q.FaultStatus500, "quirks.challenge_first": q.ChallengeFirst} {
		if slices.Contains(agents, "") {
			v.add(key, "must not hold an empty text, which every User-Agent begins with", "name the beginning of a User-Agent, such as Apache-CXF/")
		}
	}
}
