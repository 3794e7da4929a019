package config_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"registrar/internal/config"
)

const secret = "hunter2-very-secret"

// problems is one file or environment each with the key that is wrong, a word
// of the rule and one of the next step.
// codeKey is the section that a shared database needs too.
const codeKey = "\ncodes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}"

var problems = []struct {
	name, yaml, env string
	key, rule, next string
}{
	{name: "no port", yaml: "listen: localhost", key: "listen", rule: "host:port", next: "127.0.0.1:8080"},
	{name: "port out of range", yaml: "listen: 127.0.0.1:70000", key: "listen", rule: "host:port"},
	{name: "all interfaces", yaml: `admin_listen: ":8081"`, key: "admin_listen", rule: "off loopback", next: "allow_unauthenticated"},
	{name: "a public address", yaml: "admin_listen: 192.0.2.1:80", key: "admin_listen", rule: "off loopback", next: "allow_unauthenticated"},
	{name: "PROXY headers of nobody", yaml: "proxy_protocol: true", key: "proxy_protocol", rule: "trusted_proxies is empty", next: "name the networks"},
	{name: "a certificate without its key", yaml: "tls: {certificate_file: a.pem}", key: "tls.certificate_file", rule: "belong together", next: "set both"},
	{name: "client certificates without TLS", yaml: "tls: {client_ca_file: a.pem}", key: "tls.client_ca_file", rule: "needs tls.certificate_file", next: "TLS"},
	{name: "an old TLS", yaml: `tls: {min_version: "1.0"}`, key: "tls.min_version", rule: "must be 1.2 or 1.3"},
	{name: "a short key for callers' secrets", yaml: "callers: {key: c2hvcnQ=}", key: "callers.key", rule: "32 octets", next: "openssl rand"},
	{name: "a lazy refresh", yaml: "callers: {refresh: 1h}", key: "callers.refresh", rule: "must be 100ms to 1m"},
	{name: "a quirk of everybody", yaml: `quirks: {fault_status_500: [""]}`, key: "quirks.fault_status_500", rule: "empty"},
	{name: "memory for one body", yaml: "limits: {memory: 1MiB}", key: "limits.memory", rule: "six times"},
	{name: "few connections", yaml: "limits: {connections: 1}", key: "limits.connections", rule: "must be 16 to"},
	{name: "endless headers", yaml: "limits: {header_timeout: 1h}", key: "limits.header_timeout", rule: "must be 100ms to 1m"},
	{name: "large headers", yaml: "limits: {header_bytes: 2MiB}", key: "limits.header_bytes", rule: "must be 4KiB to"},
	{name: "no idle time", yaml: "limits: {idle_timeout: 0s}", key: "limits.idle_timeout", rule: "must be 1s to 1h"},
	{name: "a name that may be anything", yaml: "admin_listen: example.com:80", key: "admin_listen", rule: "off loopback"},
	{name: "the admin pages too", yaml: `admin_listen: "[::]:8081"`, key: "admin_listen", rule: "off loopback"},
	{name: "one port twice", yaml: "admin_listen: 127.0.0.1:8080", key: "admin_listen", rule: "same as listen"},
	{name: "public_url", yaml: "public_url: api.example.com", key: "public_url", rule: "http or https", next: "https://"},
	{name: "public_url with a user", yaml: "public_url: https://a:b@example.com", key: "public_url", rule: "without user"},
	{name: "hosts with a port", yaml: "hosts: [example.com:80]", key: "hosts", rule: "without port"},
	{name: "trusted_proxies", yaml: "trusted_proxies: [10.0.0.1]", key: "trusted_proxies", rule: "CIDR", next: "/32"},
	{name: "data_dir", yaml: `data_dir: " "`, key: "data_dir", rule: "empty", next: "directory"},
	{name: "shutdown_timeout", yaml: "shutdown_timeout: 1h", key: "shutdown_timeout", rule: "1s to 10m"},
	{name: "request_timeout", yaml: "request_timeout: 1ms", key: "request_timeout", rule: "100ms to 5m"},
	{name: "a duration without unit", yaml: "request_timeout: 10", key: "request_timeout", rule: "unit"},
	{name: "a duration out of range", env: "REGISTRAR_REQUEST_TIMEOUT=99999999d", key: "request_timeout", rule: "unit"},
	{name: "brand", yaml: `brand: "a\nb"`, key: "brand", rule: "one line"},
	{name: "default_locale", yaml: "default_locale: english-language", key: "default_locale", rule: "BCP 47", next: "ar-SA"},
	{name: "no default_locale", yaml: `default_locale: ""`, key: "default_locale", rule: "BCP 47"},
	{name: "default_region", yaml: "default_region: KSA", key: "default_region", rule: "ISO 3166", next: "SA"},
	{name: "body_bytes", yaml: "limits: {body_bytes: 1}", key: "limits.body_bytes", rule: "1KiB to 64MiB"},
	{name: "a size that is none", yaml: "limits: {body_bytes: 1 lot}", key: "limits.body_bytes", rule: "size"},
	{name: "depth", yaml: "limits: {depth: 1}", key: "limits.depth", rule: "8 to 256"},
	{name: "attributes", yaml: "limits: {attributes: 0}", key: "limits.attributes", rule: "8 to 1024"},
	{name: "elements", yaml: "limits: {elements: 1}", key: "limits.elements", rule: "32 to 100000"},
	{name: "name_bytes", yaml: "limits: {name_bytes: 1}", key: "limits.name_bytes", rule: "64 to 4096"},
	{name: "log level", yaml: "log: {level: inf}", key: "log.level", rule: "debug or info", next: "info"},
	{name: "log format", env: "REGISTRAR_LOG_FORMAT=xml", key: "log.format", rule: "text or json"},
	{name: "notification_life", yaml: "registration: {notification_life: 1s}", key: "registration.notification_life", rule: "1m to 720h"},
	{name: "bounces.address", yaml: "bounces: {address: bounces}", key: "bounces.address", rule: "e-mail address", next: "bounces@example.com"},
	{name: "bounces.complaints", yaml: "bounces: {complaints: [abuse]}", key: "bounces.complaints", rule: "e-mail addresses"},
	{name: "bounces.maildir", yaml: `bounces: {maildir: " /var/mail"}`, key: "bounces.maildir", rule: "path"},
	{name: "bounces.poll", yaml: "bounces: {poll: 1ms}", key: "bounces.poll", rule: "100ms to 10m"},
	{name: "bounces.keep", yaml: "bounces: {keep: 1s}", key: "bounces.keep", rule: "1h to"},
	{name: "bounces.smtp_listen", yaml: "bounces: {smtp_listen: localhost, address: a@example.com}", key: "bounces.smtp_listen", rule: "host:port", next: "2525"},
	{name: "bounces.smtp_listen of another", yaml: "bounces: {smtp_listen: \"127.0.0.1:8080\", address: a@example.com}", key: "bounces.smtp_listen", rule: "another listener"},
	{name: "bounces.smtp_listen for nobody", yaml: "bounces: {smtp_listen: \"127.0.0.1:2525\"}", key: "bounces.smtp_listen", rule: "bounces.address", next: "set bounces.address"},
	{name: "bounces.max_bytes", yaml: "bounces: {max_bytes: 1KiB}", key: "bounces.max_bytes", rule: "64KiB to 16MiB"},
	{name: "algorithm", yaml: "password: {algorithm: md5}", key: "password.algorithm", rule: "argon2id or bcrypt"},
	{name: "argon2 memory", yaml: "password: {argon2_memory_kib: 64}", key: "password.argon2_memory_kib", rule: "7168 to 262144"},
	{name: "argon2 passes", yaml: "password: {argon2_passes: 0}", key: "password.argon2_passes", rule: "1 to 64"},
	{name: "argon2 work", yaml: "password: {argon2_passes: 60}", key: "password.argon2_passes", rule: "at most 524288", next: "lower"},
	{name: "bcrypt cost", yaml: "password: {bcrypt_cost: 4}", key: "password.bcrypt_cost", rule: "10 to 15"},
	{name: "min_length", yaml: "password: {min_length: 6}", key: "password.min_length", rule: "8 to 64"},
	{name: "concurrency", yaml: "password: {concurrency: -1}", key: "password.concurrency", rule: "0 to 1024"},
	{name: "queue", yaml: "password: {queue: -1}", key: "password.queue", rule: "0 to 100000"},
	{name: "driver", yaml: "database: {driver: sqllite}", key: "database.driver", rule: "sqlite or mariadb", next: "sqlite"},
	{name: "no address", yaml: "database: {driver: mariadb}" + codeKey, key: "database.addresses", rule: "empty", next: "3306"},
	{name: "an address without port", yaml: "database: {driver: mariadb, addresses: [db1]}" + codeKey, key: "database.addresses", rule: "host:port"},
	{name: "no database", yaml: "database: {driver: mariadb, addresses: ['db:1'], name: ''}" + codeKey, key: "database.name", rule: "empty"},
	{name: "no user", yaml: "database: {driver: mariadb, addresses: ['db:1'], user: ''}" + codeKey, key: "database.user", rule: "empty"},
	{name: "no key for codes that servers share", yaml: "database: {driver: mariadb, addresses: ['db:1']}", key: "codes.key", rule: "every server", next: "openssl rand"},
	{name: "a short key for the audit log", yaml: "audit: {key: c2hvcnQ=}", key: "audit.key", rule: "32 octets", next: "openssl rand"},
	{name: "a short key for codes", yaml: "codes: {key: c2hvcnQ=}", key: "codes.key", rule: "32 octets", next: "openssl rand"},
	{name: "a drain of hours", yaml: "drain_delay: 1h", key: "drain_delay", rule: "0s to 5m"},
	{name: "a drain before it begins", env: "REGISTRAR_DRAIN_DELAY=-1s", key: "drain_delay", rule: "0s to 5m"},
	{name: "no port for web servers", yaml: "tier: {listen: 10.0.0.5}", key: "tier.listen", rule: "host:port", next: "127.0.0.1:8082"},
	{name: "an application server without its port", yaml: "tier: {servers: ['10.0.0.5:8082', 10.0.0.6]}", key: "tier.servers", rule: "host:port each", next: "10.0.0.1:8082"},
	{name: "an application server at no port", env: "REGISTRAR_TIER_SERVERS=10.0.0.5:0", key: "tier.servers", rule: "host:port each"},
	{name: "a name without its port", yaml: "tier: {servers: ['dns:///registrar-app']}", key: "tier.servers", rule: "host:port each"},
	{name: "two names", yaml: "tier: {servers: ['dns:///a:1', 'dns:///b:1']}", key: "tier.servers", rule: "host:port each"},
	{name: "a resolver without its port", yaml: "tier: {servers: ['dns://10.0.0.2/registrar-app:8082']}", key: "tier.servers", rule: "host:port each"},
	{name: "a resolver of nothing", yaml: "tier: {servers: ['dns://10.0.0.2:53']}", key: "tier.servers", rule: "host:port each"},
	{name: "a tier's certificate alone", yaml: "tier: {tls: {certificate_file: a.pem}}", key: "tier.tls.certificate_file", rule: "belong together", next: "set all of them"},
	{name: "a tier's authority alone", yaml: "tier: {tls: {ca_file: ca.pem}}", key: "tier.tls.ca_file", rule: "belong together", next: "plain text"},
	{name: "a tier's key file in the wrong place", yaml: "tier: {key_file: a.pem}", key: "tier.key_file", rule: "not a known key"},
	{name: "a long life", yaml: "codes: {life: 2h}", key: "codes.life", rule: "1m to 1h"},
	{name: "many attempts", yaml: "codes: {attempts: 11}", key: "codes.attempts", rule: "1 to 10"},
	{name: "a cooldown longer than the life", yaml: "codes: {life: 5m, cooldown: 6m}", key: "codes.cooldown", rule: "1s to 5m"},
	{name: "no wrong password at all", yaml: "attempts: {login_burst: 0}", key: "attempts.login_burst", rule: "1 to 1000"},
	{name: "wrong passwords all the time", yaml: "attempts: {login_every: 1ms}", key: "attempts.login_every", rule: "1s to 1h"},
	{name: "many wrong passwords from an origin", yaml: "attempts: {origin_burst: 1001}", key: "attempts.origin_burst", rule: "1 to 1000"},
	{name: "an origin's pause", yaml: "attempts: {origin_every: 0s}", key: "attempts.origin_every", rule: "1s to 1h"},
	{name: "fewer than no wrong passwords of a caller", yaml: "attempts: {caller_burst: -1}", key: "attempts.caller_burst", rule: "0 to 1000000"},
	{name: "a caller's pause", yaml: "attempts: {caller_every: 0s}", key: "attempts.caller_every", rule: "1ms to 1h"},
	{name: "an origin that is forgotten at once", yaml: "attempts: {origin_life: 1m}", key: "attempts.origin_life", rule: "1h to 8760h"},
	{name: "no codes at all", yaml: "codes: {daily_cap: 0}", key: "codes.daily_cap", rule: "1 to 1000"},
	{name: "authorities of no use", yaml: "database: {ca_file: ca.pem}", key: "database.ca_file", rule: "needs database.tls: on", next: "verifies"},
	{name: "tls", yaml: "database: {tls: maybe}", key: "database.tls", rule: "skip-verify"},
	{name: "tls as a truth", yaml: "database: {tls: true}", key: "database.tls", rule: "quotes"},
	{name: "pool_size", yaml: "database: {pool_size: 1}", key: "database.pool_size", rule: "2 to 1000"},
	{name: "connect_timeout", yaml: "database: {connect_timeout: 1ns}", key: "database.connect_timeout", rule: "100ms to 1m"},
	{name: "read_timeout", yaml: "database: {read_timeout: 1ms}", key: "database.read_timeout", rule: "1s to 5m"},
	{name: "write_timeout", yaml: "database: {write_timeout: 1ms}", key: "database.write_timeout", rule: "1s to 5m"},
	{name: "a number for a password", yaml: "database: {password: 0123}", key: "database.password", rule: "quotes"},
	{name: "a password twice", yaml: "database: {password: " + secret + ", password_file: f}", key: "database.password_file", rule: "so is", next: "one of them"},
	{name: "no password file", yaml: "database: {password_file: /nonexistent}", key: "database.password_file", rule: "cannot be read", next: "readable"},
	{name: "an empty password file", yaml: "database: {password_file: /dev/null}", key: "database.password_file", rule: "is empty", next: "secret alone"},
	{name: "brokers", env: "REGISTRAR_KAFKA_BROKERS=a:9092,b", key: "kafka.brokers", rule: "host:port"},
	{name: "replication", yaml: "kafka: {replication: 10}", key: "kafka.replication", rule: "0 to 9"},
	{name: "the source of events", yaml: "events: {source: 'not a URI'}", key: "events.source", rule: "URI reference", next: "https://"},
	{name: "no room for campaigns", yaml: "campaigns: {queued: 999}", key: "campaigns.queued", rule: "1000 to 100000000"},
	{name: "links in clear text", yaml: "campaigns: {unsubscribe_url: 'http://mail.example.com/unsubscribe'}", key: "campaigns.unsubscribe_url", rule: "https", next: "https://"},
	{name: "links with a query", yaml: "campaigns: {unsubscribe_url: 'https://mail.example.com/?unsubscribe'}", key: "campaigns.unsubscribe_url", rule: "query"},
	{name: "a short key of links", yaml: "campaigns: {key: " + secret + "}", key: "campaigns.key", rule: "32 octets", next: "openssl rand"},
	{name: "lanes", yaml: "notify: {lanes: [email]}", key: "notify.lanes", rule: "email.transactional", next: "empty"},
	{name: "workers", yaml: "notify: {workers: 0}", key: "notify.workers", rule: "1 to 256"},
	{name: "lease", yaml: "notify: {lease: 1s}", key: "notify.lease", rule: "5s to 1h"},
	{name: "lease and mail", yaml: "{notify: {lease: 30s}, email: {driver: smtp, from: a@b.example, smtp: {host: h}}}", key: "notify.lease", rule: "email.smtp.timeout", next: "raise"},
	{name: "lease and SMS", yaml: "{notify: {lease: 5s}, sms: {driver: http, http: {url: 'https://h.example/'}}}", key: "notify.lease", rule: "sms.http.timeout", next: "raise"},
	{name: "email driver", yaml: "email: {driver: mail}", key: "email.driver", rule: "inbox or smtp"},
	{name: "from", yaml: "email: {from: me}", key: "email.from", rule: "e-mail address", next: "@example.com"},
	{name: "from without a domain", yaml: "email: {driver: smtp, smtp: {host: h}}", key: "email.from", rule: "e-mail address"},
	{name: "from_name", yaml: `email: {from_name: "a\r\nBcc: b"}`, key: "email.from_name", rule: "one line"},
	{name: "no mail host", yaml: "email: {driver: smtp, from: a@b.example}", key: "email.smtp.host", rule: "empty"},
	{name: "mail port", yaml: "email: {smtp: {port: 0}}", key: "email.smtp.port", rule: "1 to 65535"},
	{name: "security", yaml: "email: {smtp: {security: ssl}}", key: "email.smtp.security", rule: "starttls or tls"},
	{name: "a bare password", yaml: "email: {smtp: {host: mx.example, user: u, password: " + secret + ", security: none}}", key: "email.smtp.security", rule: "none with a password", next: "starttls"},
	{name: "a password of nobody", yaml: "email: {smtp: {password: " + secret + "}}", key: "email.smtp.user", rule: "empty"},
	{name: "hello", yaml: "email: {smtp: {hello: a b}}", key: "email.smtp.hello", rule: "host name"},
	{name: "warm connections", yaml: "email: {smtp: {warm_connections: 17}}", key: "email.smtp.warm_connections", rule: "0 to 16"},
	{name: "reply_to", yaml: "email: {reply_to: help}", key: "email.reply_to", rule: "e-mail address", next: "@example.com"},
	{name: "DKIM domain", yaml: "email: {dkim: {domain: a b}}", key: "email.dkim.domain", rule: "host name"},
	{name: "no selector", yaml: "email: {dkim: {rsa_key_file: a.pem}}", key: "email.dkim.rsa_key_file", rule: "without a selector", next: "_domainkey"},
	{name: "a selector of none", yaml: "email: {dkim: {ed25519_selector: a}}", key: "email.dkim.ed25519_selector", rule: "without a key", next: "remove"},
	{name: "a bad selector", yaml: "email: {dkim: {ed25519_selector: a_b, ed25519_key_file: a.pem}}", key: "email.dkim.ed25519_selector", rule: "name in DNS"},
	{name: "one selector", yaml: "email: {dkim: {rsa_selector: a, rsa_key_file: a.pem, ed25519_selector: A, ed25519_key_file: b.pem}}", key: "email.dkim.ed25519_selector", rule: "same"},
	{name: "mail timeout", yaml: "email: {smtp: {timeout: 1ms}}", key: "email.smtp.timeout", rule: "1s to 5m"},
	{name: "code domain", yaml: "sms: {code_domain: 'https://login.example.com'}", key: "sms.code_domain", rule: "a host name in ASCII", next: "login.example.com"},
	{name: "code domain of another script", yaml: "sms: {code_domain: دخول.example}", key: "sms.code_domain", rule: "ASCII", next: "xn--"},
	{name: "sms driver", yaml: "sms: {driver: smtp}", key: "sms.driver", rule: "inbox or http or smpp"},
	{name: "no message centre", yaml: "sms: {driver: smpp, smpp: {host: '', system_id: a}}", key: "sms.smpp.host", rule: "empty"},
	{name: "no system id", yaml: "sms: {driver: smpp, smpp: {host: h, system_id: ''}}", key: "sms.smpp.system_id", rule: "empty"},
	{name: "lease and message centre", yaml: "{notify: {lease: 5s}, sms: {driver: smpp, smpp: {host: h, system_id: a}}}", key: "notify.lease", rule: "sms.smpp.timeout", next: "raise"},
	{name: "message centre's port", yaml: "sms: {smpp: {port: 0}}", key: "sms.smpp.port", rule: "1 to 65535"},
	{name: "message centre's tls", yaml: "sms: {smpp: {tls: starttls}}", key: "sms.smpp.tls", rule: "off or on or skip-verify"},
	{name: "smpp password", yaml: "sms: {smpp: {password: '" + secret + "ü'}}", key: "sms.smpp.password", rule: "ASCII"},
	{name: "system type", yaml: "sms: {smpp: {system_type: thirteen-long}}", key: "sms.smpp.system_type", rule: "12"},
	{name: "service type", yaml: "sms: {smpp: {service_type: sixsix}}", key: "sms.smpp.service_type", rule: "5"},
	{name: "source", yaml: "sms: {smpp: {source: a name that is too long}}", key: "sms.smpp.source", rule: "short code", next: "80808"},
	{name: "source number", yaml: "sms: {smpp: {source: '+12'}}", key: "sms.smpp.source", rule: "short code"},
	{name: "half a source type", yaml: "sms: {smpp: {source_ton: 5, source_npi: -1}}", key: "sms.smpp.source_npi", rule: "source_ton", next: "both"},
	{name: "charset", yaml: "sms: {smpp: {charset: gsmm}}", key: "sms.smpp.charset", rule: "gsm or latin1", next: "did you mean gsm?"},
	{name: "window", yaml: "sms: {smpp: {window: 0}}", key: "sms.smpp.window", rule: "1 to 1000"},
	{name: "enquire interval", yaml: "sms: {smpp: {enquire_interval: 1ms}}", key: "sms.smpp.enquire_interval", rule: "1s to 10m"},
	{name: "smpp timeout", yaml: "sms: {smpp: {timeout: 1ms}}", key: "sms.smpp.timeout", rule: "1s to 5m"},
	{name: "receipt id", yaml: "sms: {smpp: {receipt_id: hex}}", key: "sms.smpp.receipt_id", rule: "same or hex-to-dec"},
	{name: "no gateway", yaml: "sms: {driver: http}", key: "sms.http.url", rule: "http or https"},
	{name: "a gateway by ftp", yaml: "sms: {http: {url: 'ftp://" + secret + "@h.example'}}", key: "sms.http.url", rule: "http or https"},
	{name: "method", yaml: "sms: {http: {method: post}}", key: "sms.http.method", rule: "GET or POST"},
	{name: "header's name", yaml: "sms: {http: {headers: {'a b': '" + secret + "'}}}", key: "sms.http.headers", rule: "HTTP headers"},
	{name: "header's value", yaml: `sms: {http: {headers: {a: "` + secret + `\r\nb"}}}`, key: "sms.http.headers", rule: "one line"},
	{name: "header as a number", yaml: `sms: {http: {headers: {a: 5}}}`, key: "sms.http.headers", rule: "quotes"},
	{name: "sms timeout", yaml: "sms: {http: {timeout: 1ms}}", key: "sms.http.timeout", rule: "1s to 5m"},
	{name: "a secret twice", yaml: "sms: {http: {secrets: {k: " + secret + "}, secret_files: {k: f}}}", key: "sms.http.secret_files.k", rule: "so is", next: "one of them"},
	{name: "no secret file", yaml: "sms: {http: {secret_files: {k: /nonexistent}}}", key: "sms.http.secret_files.k", rule: "cannot be read"},
	{name: "headers that are no map", env: "REGISTRAR_SMS_HTTP_HEADERS=" + secret, key: "sms.http.headers", rule: "map"},

	{name: "an unknown key", yaml: "databse: {driver: sqlite}", key: "databse", rule: "not a known key"},
	{name: "a key with a typo", yaml: "database: {adresses: []}", key: "database.adresses", rule: "not a known key", next: "database.addresses"},
	{name: "a section that is none", yaml: "database: " + secret, key: "database", rule: "section"},
	{name: "a list that is none", yaml: "hosts: localhost", key: "hosts", rule: "list"},
	{name: "a number that is none", yaml: "limits: {depth: many}", key: "limits.depth", rule: "whole number"},
	{name: "a truth that is none", env: "REGISTRAR_ALLOW_UNAUTHENTICATED=perhaps", key: "allow_unauthenticated", rule: "true or false"},
	{name: "an unknown variable", env: "REGISTRAR_LISTN=:80", key: "REGISTRAR_LISTN", rule: "not a known variable", next: "REGISTRAR_LISTEN"},
	{name: "no map at all", yaml: secret, key: "registrar.yaml", rule: "not valid YAML", next: "correct"},
	{name: "two documents", yaml: "--- {}\n--- {}", key: "registrar.yaml", rule: "more than one document"},
	{name: "no YAML at all", yaml: "a: [" + secret, key: "registrar.yaml", rule: "not valid YAML"},
	{name: "a key twice", yaml: "listen: a\nlisten: b", key: "registrar.yaml", rule: "already defined"},
}

func TestEachProblem(t *testing.T) {
	t.Parallel()
	for _, test := range problems {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var environ []string
			if test.env != "" {
				environ = []string{test.env}
			}
			_, err := config.LoadBytes([]byte(test.yaml), environ)
			var all config.Problems
			if !errors.As(err, &all) {
				t.Fatalf("error %v", err)
			}
			if len(all) != 1 {
				t.Fatalf("%d problems: %v", len(all), err)
			}
			p := all[0]
			if p.Key != test.key || !strings.Contains(p.Rule, test.rule) || !strings.Contains(p.Next, test.next) {
				t.Errorf("got %+v", p)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
			from := "registrar.yaml"
			if test.env != "" {
				from, _, _ = strings.Cut(test.env, "=")
			}
			if !strings.Contains(p.String(), from) && p.Key != "database.addresses" && (p.Key != "codes.key" || !strings.Contains(p.Rule, "not set")) && p.Key != "email.smtp.host" && p.Key != "email.from" &&
				p.Key != "sms.http.url" && p.Key != "email.smtp.user" && !strings.HasPrefix(p.Key, "sms.http.secret_files.") {
				t.Errorf("%q does not say where it comes from", p)
			}
		})
	}
}

// TestTier: how application servers may be named, and what a web server and an
// application server are told by flags.
func TestTier(t *testing.T) {
	t.Parallel()
	for _, servers := range []string{"[]", "['10.0.0.5:8082']", "['app1:1', 'app2:65535', '[::1]:8082']", "['dns:///app.example:8082']", "['dns://10.0.0.2:53/app.example:8082']", "['dns://[::1]:53/app.example.:8082']"} {
		if _, err := config.LoadBytes([]byte("tier: {servers: "+servers+"}"), nil); err != nil {
			t.Errorf("%s: %v", servers, err)
		}
	}
	fs := pflag.NewFlagSet("web", pflag.ContinueOnError)
	config.AddWebFlags(fs)
	if err := fs.Parse([]string{"--servers", "10.0.0.5:8082,10.0.0.6:8082", "--listen", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	environ := []string{"REGISTRAR_DRAIN_DELAY=5s", "REGISTRAR_TIER_LISTEN=10.0.0.5:9", "REGISTRAR_TIER_SERVERS=10.0.0.9:8082",
		"REGISTRAR_TIER_TLS_CERTIFICATE_FILE=a", "REGISTRAR_TIER_TLS_KEY_FILE=b", "REGISTRAR_TIER_TLS_CA_FILE=c"}
	got, err := config.Load(fs, environ)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen, want.DrainDelay = "127.0.0.1:0", 5*time.Second
	want.Tier = config.Tier{Listen: "10.0.0.5:9", Servers: []string{"10.0.0.5:8082", "10.0.0.6:8082"}, TLS: config.TierTLS{CertificateFile: "a", KeyFile: "b", CAFile: "c"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	fs = pflag.NewFlagSet("app", pflag.ContinueOnError)
	config.AddAppFlags(fs)
	if err := fs.Parse([]string{"--tier-listen", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if got, err := config.Load(fs, environ); err != nil || got.Tier.Listen != "127.0.0.1:0" {
		t.Errorf("%s, %v", got.Tier.Listen, err)
	}
	for _, flag := range []string{"listen", "servers", "lanes", "public-url"} {
		if fs.Lookup(flag) != nil {
			t.Errorf("an application server has --%s", flag)
		}
	}
}

// TestAllTogether: every problem of every kind in one answer.
func TestAllTogether(t *testing.T) {
	t.Parallel()
	_, err := config.LoadBytes([]byte(`
listen: nowhere
wrong: 1
limits: {depth: many, elements: 1}
database: {password_file: /nonexistent}
`), []string{"REGISTRAR_LOG_LEVEL=loud", "REGISTRAR_NO_SUCH_KEY=1", "REGISTRAR_REQUEST_TIMEOUT=soon"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"listen (registrar.yaml) must be host:port", "wrong (registrar.yaml) is not a known key", "limits.depth (registrar.yaml) must be a whole number",
		"limits.elements (registrar.yaml) must be 32 to", "database.password_file (registrar.yaml) names a file",
		"log.level (REGISTRAR_LOG_LEVEL) must be", "REGISTRAR_NO_SUCH_KEY is not a known variable", "request_timeout (REGISTRAR_REQUEST_TIMEOUT) must be a duration",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n"); lines != 8 {
		t.Errorf("%d problems:\n%v", lines, err)
	}
}

// TestOffLoopbackInSoManyWords: told so, everything may listen anywhere.
func TestOffLoopbackInSoManyWords(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{":8080", "0.0.0.0:80", "[::]:80", "192.0.2.1:80"} {
		c := config.Default()
		c.Listen, c.AllowUnauthenticated = listen, true
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
	c := config.Default()
	c.AdminListen, c.AllowUnauthenticatedAdmin = ":8081", true
	if err := c.Validate(); err != nil {
		t.Errorf("admin pages alone: %v", err)
	}
	for _, listen := range []string{"127.0.0.1:0", "127.8.8.8:80", "[::1]:80", "localhost:80", "[::ffff:127.0.0.1]:80"} {
		c := config.Default()
		c.Listen = listen
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
