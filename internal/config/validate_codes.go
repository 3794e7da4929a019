package config

import (
	"encoding/base64"
	"time"
)

// codeKeyBytes is the size of the key that those of codes are derived from.
const codeKeyBytes = 32

func (v *validator) codes(c Codes, d Database) {
	switch {
	case c.Key != "":
		if key, err := base64.StdEncoding.DecodeString(c.Key.Reveal()); err != nil || len(key) != codeKeyBytes {
			v.add("codes.key", "must be 32 octets in base64", "make one by openssl rand -base64 32")
		}
	case c.KeyFile == "" && d.Driver == MariaDB: // what is wrong with a file is told by its own name
		v.add("codes.key", "is not set, and with mariadb every server needs the same one",
			"make one by openssl rand -base64 32 and give it to all of them, here or by codes.key_file")
	}
	v.between("codes.life", c.Life, time.Minute, time.Hour)
	v.number("codes.attempts", c.Attempts, 1, 10)
	v.between("codes.cooldown", c.Cooldown, time.Second, min(time.Hour, max(c.Life, time.Minute)))
	v.number("codes.daily_cap", c.DailyCap, 1, 1000)
}
