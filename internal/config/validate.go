package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"registrar/internal/address"
	"registrar/internal/lane"
	"registrar/internal/password"
)

// Validate checks every value by itself and against the others. The error is
// Problems, in the order of Config, or nil.
func (c Config) Validate() error {
	v := &validator{}
	v.listeners(c)
	v.service(c)
	v.tls(c.TLS)
	v.tier(c)
	v.callers(c.Callers)
	v.limits(c.Limits)
	v.quirks(c.Quirks)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "text", "json")
	v.between("registration.notification_life", c.Registration.NotificationLife, time.Minute, 30*24*time.Hour)
	v.codes(c.Codes, c.Database)
	v.audit(c.Audit)
	v.attempts(c.Attempts)
	v.password(c.Password)
	v.database(c.Database)
	v.addresses("kafka.brokers", c.Kafka.Brokers, "9092")
	v.number("kafka.replication", c.Kafka.Replication, 0, 9)
	v.events(c.Events)
	v.campaigns(c.Campaigns)
	v.notify(c)
	v.email(c.Email)
	v.sms(c.SMS)
	v.providers(c)
	v.bounces(c)
	return v.orNil()
}

type validator struct{ Problems }

func (v *validator) listeners(c Config) {
	listening := map[string]string{}
	for _, l := range []struct{ key, address string }{{"listen", c.Listen}, {"admin_listen", c.AdminListen}} {
		host, port, err := net.SplitHostPort(l.address)
		if err != nil || !isPort(port, 0) {
			v.add(l.key, "must be host:port", "write it like 127.0.0.1:8080")
			continue
		}
		if l.key == "admin_listen" && !c.AllowUnauthenticated && !c.AllowUnauthenticatedAdmin && !IsLoopback(host) {
			v.add(l.key, "is off loopback, where anybody may read its pages: they ask for no credential",
				"listen on 127.0.0.1, or set allow_unauthenticated_admin if the network in front keeps strangers out")
		}
		if other, taken := listening[l.address]; taken && port != "0" {
			v.add(l.key, "is the same as "+other, "give each its own port")
		}
		listening[l.address] = l.key
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			v.add("public_url", "must be an http or https address without user, query and fragment", "write it like https://api.example.com")
		}
	}
	for _, host := range c.Hosts {
		if _, err := address.DomainToASCII(host); err != nil && net.ParseIP(host) == nil {
			v.add("hosts", "must be host names or IP addresses without port", "write them like api.example.com")
			break
		}
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		v.add("proxy_protocol", "is on, but trusted_proxies is empty", "name the networks of the proxies there, or turn it off")
	}
	if _, err := c.Proxies(); err != nil {
		v.add("trusted_proxies", "must be networks in CIDR form", "write them like 10.0.0.0/8, one address like 10.1.2.3/32")
	}
}

func (v *validator) service(c Config) {
	if strings.TrimSpace(c.DataDir) == "" {
		v.add("data_dir", "must not be empty", "name a directory; it is made when it is missing")
	}
	v.between("shutdown_timeout", c.ShutdownTimeout, time.Second, 10*time.Minute)
	v.between("request_timeout", c.RequestTimeout, 100*time.Millisecond, 5*time.Minute)
	v.line("brand", c.Brand, 1, 60)
	if tag, err := language.Parse(c.DefaultLocale); err != nil || tag == language.Und || len(c.DefaultLocale) > 35 {
		v.add("default_locale", "must be a BCP 47 language tag", "write it like en or ar-SA")
	}
	if !address.KnownRegion(c.DefaultRegion) {
		v.add("default_region", "must be an ISO 3166-1 region of two capital letters, or empty", "write it like SA")
	}
}

func (v *validator) limits(l Limits) {
	if l.BodyBytes < 1<<10 || l.BodyBytes > 64<<20 {
		v.add("limits.body_bytes", "must be 1KiB to 64MiB", "")
	}
	v.number("limits.depth", l.Depth, 8, 256)
	v.number("limits.attributes", l.Attributes, 8, 1024)
	v.number("limits.elements", l.Elements, 32, 100_000)
	v.number("limits.name_bytes", l.NameBytes, 64, 4096)
	if l.Memory < 6*l.BodyBytes || l.Memory > 4<<30 { // one body of the largest size has to find room
		v.add("limits.memory", "must be at least six times limits.body_bytes, and at most 4GiB", "")
	}
	if l.HeaderBytes < 4<<10 || l.HeaderBytes > 1<<20 {
		v.add("limits.header_bytes", "must be 4KiB to 1MiB", "")
	}
	v.between("limits.header_timeout", l.HeaderTimeout, 100*time.Millisecond, time.Minute)
	v.between("limits.idle_timeout", l.IdleTimeout, time.Second, time.Hour)
	v.number("limits.connections", l.Connections, 16, 1_000_000)
}

func (v *validator) password(p Password) {
	v.oneOf("password.algorithm", p.Algorithm, "argon2id", "bcrypt")
	// OWASP's weakest accepted choice is 7 MiB.
	v.number("password.argon2_memory_kib", p.Argon2MemoryKiB, 7168, password.MaxArgon2MemoryKiB)
	v.number("password.argon2_passes", p.Argon2Passes, 1, password.MaxArgon2Passes)
	if p.Argon2MemoryKiB > 0 && p.Argon2Passes > 0 && p.Argon2MemoryKiB <= password.MaxArgon2MemoryKiB && p.Argon2Passes <= password.MaxArgon2Passes &&
		p.Argon2MemoryKiB*p.Argon2Passes > password.MaxArgon2Work {
		v.add("password.argon2_passes", fmt.Sprintf("times argon2_memory_kib must be at most %d", password.MaxArgon2Work), "lower one of them")
	}
	v.number("password.bcrypt_cost", p.BcryptCost, password.MinBcryptCost, password.MaxBcryptCost)
	v.number("password.min_length", p.MinLength, password.MinLength, 64)
	v.number("password.concurrency", p.Concurrency, 0, 1024)
	v.number("password.queue", p.Queue, 0, 100_000)
}

func (v *validator) database(d Database) {
	v.oneOf("database.driver", d.Driver, SQLite, MariaDB)
	v.addresses("database.addresses", d.Addresses, "3306")
	if d.Driver == MariaDB {
		if len(d.Addresses) == 0 {
			v.add("database.addresses", "is empty", "name the nodes, like 10.0.0.1:3306")
		}
		if d.Name == "" {
			v.add("database.name", "must not be empty", "name the database")
		}
		if d.User == "" {
			v.add("database.user", "must not be empty", "name the user to sign in as")
		}
	}
	v.oneOf("database.tls", d.TLS, "off", "on", "skip-verify")
	if d.CAFile != "" && d.TLS != "on" {
		v.add("database.ca_file", "needs database.tls: on", "nothing else verifies a certificate")
	}
	v.number("database.pool_size", d.PoolSize, 2, 1000)
	v.between("database.connect_timeout", d.ConnectTimeout, 100*time.Millisecond, time.Minute)
	v.between("database.read_timeout", d.ReadTimeout, time.Second, 5*time.Minute)
	v.between("database.write_timeout", d.WriteTimeout, time.Second, 5*time.Minute)
}

func (v *validator) notify(c Config) {
	for _, name := range c.Notify.Lanes {
		if name == NoLanes && len(c.Notify.Lanes) == 1 {
			continue
		}
		if _, err := lane.Parse(name); err != nil {
			v.add("notify.lanes", fmt.Sprintf("must be of %v", lane.All()), "correct it, or leave it empty for all lanes")
			break
		}
	}
	v.number("notify.workers", c.Notify.Workers, 1, 256)
	v.between("notify.lease", c.Notify.Lease, 5*time.Second, time.Hour)
	v.leases(c)
}

func (v *validator) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.add(key, mustBe(allowed), suggestionAmong(value, allowed))
	}
}

func mustBe(allowed []string) string { return "must be " + strings.Join(allowed, " or ") }

func suggestionAmong(value string, allowed []string) string {
	if name := nearest(value, allowed); name != "" {
		return "did you mean " + name + "?"
	}
	return ""
}

func (v *validator) number(key string, value, low, high int) {
	if value < low || value > high {
		v.add(key, fmt.Sprintf("must be %d to %d", low, high), "")
	}
}

func (v *validator) between(key string, value, low, high time.Duration) {
	if value < low || value > high {
		v.add(key, fmt.Sprintf("must be %s to %s", formatDuration(low), formatDuration(high)), "")
	}
}

// line is a text for a header or a page: visible, on one line.
func (v *validator) line(key, value string, low, high int) {
	n := utf8.RuneCountInString(value)
	if n < low || n > high || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
		v.add(key, fmt.Sprintf("must be one line of %d to %d characters, no spaces around it", low, high), "")
	}
}

func (v *validator) addresses(key string, addresses []string, port string) {
	for _, a := range addresses {
		if host, p, err := net.SplitHostPort(a); err != nil || host == "" || !isPort(p, 1) {
			v.add(key, "must be host:port each", "write them like 10.0.0.1:"+port)
			return
		}
	}
}

func isPort(text string, low int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= low && n <= 65535
}

// IsLoopback says whether only this machine reaches host. Of names it believes
// localhost alone (RFC 6761 section 6.3).
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
