package config

import "time"

// Codes are the one-time codes by which people show that an address or a number is theirs.
type Codes struct {
	// Key protects the codes in the database: 32 octets in base64 (openssl rand -base64 32), the same at every server.
	// KeyFile holds it instead. At most one of them. Without one, sqlite makes its own, codes.key in DataDir; mariadb needs one.
	Key     Secret `koanf:"key"`
	KeyFile string `koanf:"key_file"`
	// Life of a code. 1 m to 1 h.
	Life time.Duration `koanf:"life"`
	// Attempts to enter one code. 1 to 10.
	Attempts int `koanf:"attempts"`
	// Cooldown between two sendings to one contact. 1 s to 1 h, and at most Life.
	Cooldown time.Duration `koanf:"cooldown"`
	// DailyCap is how many codes one recipient is sent a day (UTC). 1 to 1,000.
	DailyCap int `koanf:"daily_cap"`
}
