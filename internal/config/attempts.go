package config

import "time"

// Attempts bound how many wrong passwords VerifyPassword takes. What the hashes in the database are keyed by is derived
// from Codes.Key.
type Attempts struct {
	// LoginBurst wrong passwords at once are taken for one login, over all callers, from wherever it has not succeeded
	// before, and another one after each LoginEvery. 1 to 1,000; 1 s to 1 h.
	LoginBurst int           `koanf:"login_burst"`
	LoginEvery time.Duration `koanf:"login_every"`
	// OriginBurst and OriginEvery are for a login and an origin from which it has succeeded. 1 to 1,000; 1 s to 1 h.
	OriginBurst int           `koanf:"origin_burst"`
	OriginEvery time.Duration `koanf:"origin_every"`
	// CallerBurst and CallerEvery are for all logins of a caller together, but for those from such origins. 0 is without
	// limit; at most 1,000,000; 1 ms to 1 h.
	CallerBurst int           `koanf:"caller_burst"`
	CallerEvery time.Duration `koanf:"caller_every"`
	// OriginLife is how long an origin is known after a right password. 1 h to 365 d.
	OriginLife time.Duration `koanf:"origin_life"`
}

func defaultAttempts() Attempts {
	return Attempts{
		LoginBurst: 10, LoginEvery: 30 * time.Second, OriginBurst: 10, OriginEvery: 30 * time.Second,
		CallerBurst: 1000, CallerEvery: 100 * time.Millisecond, OriginLife: 90 * 24 * time.Hour,
	}
}

func (v *validator) attempts(a Attempts) {
	v.number("attempts.login_burst", a.LoginBurst, 1, 1000)
	v.between("attempts.login_every", a.LoginEvery, time.Second, time.Hour)
	v.number("attempts.origin_burst", a.OriginBurst, 1, 1000)
	v.between("attempts.origin_every", a.OriginEvery, time.Second, time.Hour)
	v.number("attempts.caller_burst", a.CallerBurst, 0, 1_000_000)
	v.between("attempts.caller_every", a.CallerEvery, time.Millisecond, time.Hour)
	v.between("attempts.origin_life", a.OriginLife, time.Hour, 365*24*time.Hour)
}
