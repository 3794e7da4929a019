package config

import (
	"fmt"
	"net/netip"
	"time"
)

// Config is everything that may be configured. The comment on each field gives
// unit, zero value and limits; Default gives the defaults.
type Config struct {
	// Listen is host:port of the SOAP service. Off loopback it needs a caller (registrar caller add) or AllowUnauthenticated.
	// Port 0 takes a free one.
	Listen string `koanf:"listen"`
	// AdminListen is host:port of the inbox, health and metrics pages, for operators only. Off loopback it needs
	// AllowUnauthenticatedAdmin or AllowUnauthenticated.
	AdminListen string `koanf:"admin_listen"`
	// DataDir holds the embedded database and queue. It is made when it is missing.
	DataDir string `koanf:"data_dir"`
	// PublicURL is the service's address as callers see it, such as https://api.example.com; it is served in the
	// WSDL to callers whose Host is not in Hosts. "" is the address that the service listens on.
	PublicURL string `koanf:"public_url"`
	// Hosts are the host names, without port, that the WSDL may reflect from a caller's Host header, and the only
	// names (beside IP addresses) under which the pages at AdminListen answer.
	Hosts []string `koanf:"hosts"`
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-* headers, and with ProxyProtocol whose PROXY headers, are
	// believed. Empty believes nobody's.
	TrustedProxies []string `koanf:"trusted_proxies"`
	// ProxyProtocol: every connection from TrustedProxies begins with a PROXY protocol header of version 2, which says
	// who the client is. Nobody else may send one.
	ProxyProtocol bool `koanf:"proxy_protocol"`
	// AllowUnauthenticated lets the SOAP service listen off loopback without any caller, and the admin pages at all.
	AllowUnauthenticated bool `koanf:"allow_unauthenticated"`
	// AllowUnauthenticatedAdmin lets the pages at AdminListen alone be off loopback.
	AllowUnauthenticatedAdmin bool `koanf:"allow_unauthenticated_admin"`
	// ShutdownTimeout is how long calls and notifications in progress may take after SIGTERM. 1 s to 10 m.
	ShutdownTimeout time.Duration `koanf:"shutdown_timeout"`
	// DrainDelay is how long after SIGTERM new calls are still taken while /readyz says no, so that a load balancer has
	// seen it before nobody listens any more. 0 to 5 m.
	DrainDelay time.Duration `koanf:"drain_delay"`
	// RequestTimeout is the deadline of one call. 100 ms to 5 m.
	RequestTimeout time.Duration `koanf:"request_timeout"`
	// Brand is the service's name in messages to people. 1 to 60 characters.
	Brand string `koanf:"brand"`
	// DefaultLocale is a BCP 47 tag for requests that name none.
	DefaultLocale string `koanf:"default_locale"`
	// DefaultRegion is the ISO 3166-1 region (SA) of mobile numbers without country code. "" accepts none.
	DefaultRegion string `koanf:"default_region"`
	// TemplatesDir holds message templates that replace the built-in ones. "" for none.
	TemplatesDir string `koanf:"templates_dir"`

	TLS          TLS          `koanf:"tls"`
	Tier         Tier         `koanf:"tier"`
	Callers      Callers      `koanf:"callers"`
	Limits       Limits       `koanf:"limits"`
	Quirks       Quirks       `koanf:"quirks"`
	Log          Log          `koanf:"log"`
	Registration Registration `koanf:"registration"`
	Codes        Codes        `koanf:"codes"`
	Attempts     Attempts     `koanf:"attempts"`
	Audit        Audit        `koanf:"audit"`
	Password     Password     `koanf:"password"`
	Database     Database     `koanf:"database"`
	Kafka        Kafka        `koanf:"kafka"`
	Events       Events       `koanf:"events"`
	Campaigns    Campaigns    `koanf:"campaigns"`
	Notify       Notify       `koanf:"notify"`
	Email        Email        `koanf:"email"`
	SMS          SMS          `koanf:"sms"`
	Bounces      Bounces      `koanf:"bounces"`
}

// Proxies are TrustedProxies, read. They are right in a Config that is valid.
func (c Config) Proxies() ([]netip.Prefix, error) {
	proxies := make([]netip.Prefix, len(c.TrustedProxies))
	for i, text := range c.TrustedProxies {
		var err error
		if proxies[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("config: trusted_proxies: %w", err)
		}
	}
	return proxies, nil
}

// TLS of the SOAP service. The files are read again when they change.
type TLS struct {
	// CertificateFile holds the certificate chain in PEM form, the server's own first. "" is plain text.
	CertificateFile string `koanf:"certificate_file"`
	// KeyFile holds its private key in PEM form.
	KeyFile string `koanf:"key_file"`
	// ClientCAFile holds the authorities, in PEM form, whose client certificates are asked for and verified. "" asks for none.
	ClientCAFile string `koanf:"client_ca_file"`
	// MinVersion is 1.2 or 1.3.
	MinVersion string `koanf:"min_version"`
	// LegacyCiphers adds the suites of TLS 1.2 with RSA key exchange and AES, for clients that know no other. They have no forward secrecy.
	LegacyCiphers bool `koanf:"legacy_ciphers"`
}

// Callers are the systems that may call, as far as they are not in the database.
type Callers struct {
	// Key encrypts the secrets that digests of WS-Security need: 32 octets in base64 (openssl rand -base64 32). KeyFile
	// holds it instead. At most one of them; without one no caller may use digests.
	Key     Secret `koanf:"key"`
	KeyFile string `koanf:"key_file"`
	// Refresh is after how long, at most, a change of a caller holds at every server. 100 ms to 1 m.
	Refresh time.Duration `koanf:"refresh"`
}

// Quirks are clients, by the beginning of their User-Agent, that need another answer than the specification's. These are
// added to the built-in ones, which the service's page lists.
type Quirks struct {
	// FaultStatus500 read no SOAP 1.2 fault with HTTP status 400. "(none)" is for those that send no User-Agent (WCF).
	FaultStatus500 []string `koanf:"fault_status_500"`
	// ChallengeFirst send a user name and password only after HTTP status 401.
	ChallengeFirst []string `koanf:"challenge_first"`
}

// Limits bound what is read of a request, before memory is taken for it.
type Limits struct {
	// BodyBytes is the largest body, also after decompression. 1 KiB to 64 MiB.
	BodyBytes Bytes `koanf:"body_bytes"`
	// Depth is of elements, the envelope being 1. 8 to 256.
	Depth int `koanf:"depth"`
	// Attributes is of one element. 8 to 1,024.
	Attributes int `koanf:"attributes"`
	// Elements is of one envelope. 32 to 100,000.
	Elements int `koanf:"elements"`
	// NameBytes is of one element's or attribute's name. 64 to 4,096.
	NameBytes int `koanf:"name_bytes"`
	// Memory is for the bodies of all requests that are being read. What finds no room is told to come again. At least
	// six times BodyBytes, at most 4 GiB.
	Memory Bytes `koanf:"memory"`
	// HeaderBytes is of a request's HTTP headers. 4 KiB to 1 MiB.
	HeaderBytes Bytes `koanf:"header_bytes"`
	// HeaderTimeout is for a request's HTTP headers, and for the TLS handshake; RequestTimeout is for the rest. 100 ms to 1 m.
	HeaderTimeout time.Duration `koanf:"header_timeout"`
	// IdleTimeout ends a connection without a request. 1 s to 1 h.
	IdleTimeout time.Duration `koanf:"idle_timeout"`
	// Connections are open at once; for one more, the one that is idle longest is closed. 16 to 1,000,000.
	Connections int `koanf:"connections"`
}

// Log is the program's own log, on standard error.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `koanf:"level"`
	// Format is text or json.
	Format string `koanf:"format"`
}

// Registration is the domain's own settings.
type Registration struct {
	// NotificationLife is how long the news of a registration is worth sending. 1 m to 30 d.
	NotificationLife time.Duration `koanf:"notification_life"`
}

// Password says how passwords are judged and hashed.
type Password struct {
	// Algorithm of new hashes: argon2id or bcrypt. Hashes of both verify.
	Algorithm string `koanf:"algorithm"`
	// Argon2MemoryKiB is taken by each hash that runs. 7,168 to 262,144; times passes at most 524,288.
	Argon2MemoryKiB int `koanf:"argon2_memory_kib"`
	// Argon2Passes over that memory. 1 to 64.
	Argon2Passes int `koanf:"argon2_passes"`
	// BcryptCost is the binary logarithm of the rounds. 10 to 15.
	BcryptCost int `koanf:"bcrypt_cost"`
	// MinLength of a password, in code points. 8 to 64.
	MinLength int `koanf:"min_length"`
	// Concurrency is how many hashes run at once. 0 is one a core; at most 1,024.
	Concurrency int `koanf:"concurrency"`
	// Queue is how many callers may wait for a hash; the next one is told to come again. 0 for none; at most 100,000.
	Queue int `koanf:"queue"`
}

// The database drivers.
const (
	SQLite  = "sqlite"
	MariaDB = "mariadb"
)

// Database is where registrations are kept.
type Database struct {
	// Driver is sqlite (a file in DataDir; the rest of this section is not used) or mariadb.
	Driver string `koanf:"driver"`
	// Addresses are host:port of the nodes; the first that works is written to.
	Addresses []string `koanf:"addresses"`
	// Name of the database (schema).
	Name string `koanf:"name"`
	// User to sign in as.
	User string `koanf:"user"`
	// Password of User, or PasswordFile, the file that holds it. At most one of them.
	Password     Secret `koanf:"password"`
	PasswordFile string `koanf:"password_file"`
	// Migrate: serve applies what is missing of the schema when it starts. Without it, serve does not start on an old schema.
	Migrate bool `koanf:"migrate"`
	// TLS is off, on (the certificate is verified) or skip-verify.
	TLS string `koanf:"tls"`
	// CAFile holds the authorities, in PEM form, that may vouch for the nodes. "" is the system's.
	CAFile string `koanf:"ca_file"`
	// PoolSize is how many connections may be open at once. 2 to 1,000.
	PoolSize int `koanf:"pool_size"`
	// ConnectTimeout is for one attempt to connect. 100 ms to 1 m.
	ConnectTimeout time.Duration `koanf:"connect_timeout"`
	// ReadTimeout is for one answer of the server, COMMIT too: keep it above a Galera cluster's evs.suspect_timeout
	// and a second. 1 s to 5 m.
	ReadTimeout time.Duration `koanf:"read_timeout"`
	// WriteTimeout is for one packet to the server. 1 s to 5 m.
	WriteTimeout time.Duration `koanf:"write_timeout"`
}

// Kafka is the notification queue.
type Kafka struct {
	// Brokers are host:port of some of the brokers. Empty is the embedded broker, in DataDir.
	Brokers []string `koanf:"brokers"`
	// Replication of the topics that are created on Brokers. 0 is 3, or as many as there are brokers where there are fewer; at most 9.
	Replication int `koanf:"replication"`
}

// NoLanes alone in Notify.Lanes is for a process that leaves notifications to others.
const NoLanes = "none"

// Notify is the notification service.
type Notify struct {
	// Lanes that this process serves, such as email.transactional. Empty is all, "none" is none.
	Lanes []string `koanf:"lanes"`
	// Workers is how many connections each lane has to each mail server. 1 to 256.
	Workers int `koanf:"workers"`
	// Lease is how long a notifier may hold a notification; at least twice a provider's timeout. 5 s to 1 h.
	Lease time.Duration `koanf:"lease"`
}

// The drivers of the channels.
const (
	Inbox = "inbox" // messages are kept in the database and shown at AdminListen
	SMTP  = "smtp"
	HTTP  = "http"
	SMPP  = "smpp"
)

// Email is the e-mail channel.
type Email struct {
	// Driver is inbox or smtp.
	Driver string `koanf:"driver"`
	// From is the sender's address.
	From string `koanf:"from"`
	// FromName is the sender's name. "" is Brand.
	FromName string `koanf:"from_name"`
	// ReplyTo is where people's answers go. "" is From.
	ReplyTo string `koanf:"reply_to"`
	DKIM    DKIM   `koanf:"dkim"`
	// Rate is how many messages a second this process hands to the provider. 0 is without limit; at most 100,000.
	Rate int `koanf:"rate"`
	// MarketingShare is the part of Rate, in percent, that other news leaves to marketing. One-time codes go before both.
	// 0 to 90.
	MarketingShare int        `koanf:"marketing_share"`
	SMTP           SMTPServer `koanf:"smtp"`
	// Providers, in the order in which they are tried, stand instead of Driver, Rate, MarketingShare and SMTP. Only a
	// file can hold them; no variable names them. At most 8.
	Providers []EmailProvider `koanf:"providers"`
}

// SMTPServer is the mail server that e-mail is handed to.
type SMTPServer struct {
	// Host name or IP address.
	Host string `koanf:"host"`
	// Port, 1 to 65,535.
	Port int `koanf:"port"`
	// User to sign in as. "" does not sign in.
	User string `koanf:"user"`
	// Password of User, or PasswordFile, the file that holds it. At most one of them.
	Password     Secret `koanf:"password"`
	PasswordFile string `koanf:"password_file"`
	// Security is starttls (required), tls (from the first byte) or none. A password needs one of the first two
	// unless Host is loopback.
	Security string `koanf:"security"`
	// CAFile holds the authorities, in PEM form, that may vouch for the server. "" is the system's.
	CAFile string `koanf:"ca_file"`
	// Hello is the name this machine gives itself in EHLO. "" is the machine's host name.
	Hello string `koanf:"hello"`
	// WarmConnections are kept open by each lane however idle it is, so that a message after a pause does not wait for TLS
	// and sign-in. 0 to 16; above Notify.Workers it counts as that.
	WarmConnections int `koanf:"warm_connections"`
	// Timeout of one message. 1 s to 5 m.
	Timeout time.Duration `koanf:"timeout"`
}

// SMS is the SMS channel.
type SMS struct {
	// Driver is inbox, http or smpp.
	Driver string `koanf:"driver"`
	// Rate is how many messages a second this process hands to the provider. 0 is without limit; at most 100,000.
	Rate int `koanf:"rate"`
	// MarketingShare is the part of Rate, in percent, that other news leaves to marketing. One-time codes go before both.
	// 0 to 90.
	MarketingShare int `koanf:"marketing_share"`
	// CodeDomain is the host name of the page where people enter the code of an SMS: their browsers fill it in there
	// (WebOTP). "" leaves that line out.
	CodeDomain string      `koanf:"code_domain"`
	HTTP       HTTPGateway `koanf:"http"`
	SMPP       SMSC        `koanf:"smpp"`
	// Providers, in the order in which they are tried, stand instead of Driver, Rate, MarketingShare and the drivers'
	// sections. Only a file can hold them; no variable names them. At most 8.
	Providers []SMSProvider `koanf:"providers"`
}

// HTTPGateway is an SMS provider that takes messages as HTTP requests. URL,
// Headers and Body are templates; they may name Secrets.
type HTTPGateway struct {
	// URL of the request, http or https. Only its host is ever shown.
	URL Secret `koanf:"url" show:"host"`
	// Method is GET, POST or PUT.
	Method string `koanf:"method"`
	// Headers of the request. Only their names are ever shown.
	Headers map[string]Secret `koanf:"headers"`
	// Body of the request. It is never shown.
	Body Secret `koanf:"body"`
	// IDPath leads to the provider's message id in a JSON answer, such as messages.0.id. "" for none.
	IDPath string `koanf:"id_path"`
	// Timeout of one request. 1 s to 5 m.
	Timeout time.Duration `koanf:"timeout"`
	// Secrets by name, and SecretFiles, the files that hold further ones. A name may be in one of them only.
	Secrets     map[string]Secret `koanf:"secrets"`
	SecretFiles map[string]string `koanf:"secret_files"`
}

// Default is the configuration of a service that needs no other part: SQLite,
// the embedded broker and the local inbox, on loopback.
func Default() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		AdminListen:     "127.0.0.1:8081",
		DataDir:         "./data",
		Hosts:           []string{"localhost", "127.0.0.1", "::1"},
		ShutdownTimeout: 20 * time.Second,
		RequestTimeout:  10 * time.Second,
		Brand:           "Registrar",
		DefaultLocale:   "en",
		TLS:             TLS{MinVersion: "1.2"},
		Tier:            defaultTier(),
		Callers:         Callers{Refresh: 2 * time.Second},
		Limits: Limits{
			BodyBytes: 1 << 20, Depth: 32, Attributes: 64, Elements: 1000, NameBytes: 256, Memory: 24 << 20,
			HeaderBytes: 32 << 10, HeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, Connections: 20_000,
		},
		Log:          Log{Level: "info", Format: "text"},
		Registration: Registration{NotificationLife: 72 * time.Hour},
		Codes:        Codes{Life: 10 * time.Minute, Attempts: 5, Cooldown: 30 * time.Second, DailyCap: 10},
		Attempts:     defaultAttempts(),
		Password:     Password{Algorithm: "argon2id", Argon2MemoryKiB: 19456, Argon2Passes: 2, BcryptCost: 12, MinLength: 8, Queue: 128},
		Database: Database{
			Driver: SQLite, Name: "registrar", User: "registrar", Migrate: true, TLS: "off", PoolSize: 16,
			ConnectTimeout: 2 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		},
		Events:    Events{Enabled: true, Keep: 7 * 24 * time.Hour},
		Campaigns: Campaigns{Queued: 1_000_000},
		Notify:    Notify{Workers: 8, Lease: time.Minute},
		Email: Email{
			Driver: Inbox, From: "registrar@localhost", MarketingShare: defaultMarketingShare, SMTP: defaultSMTP(),
		},
		SMS:     SMS{Driver: Inbox, MarketingShare: defaultMarketingShare, HTTP: defaultHTTP(), SMPP: defaultSMPP()},
		Bounces: defaultBounces(),
	}
}
