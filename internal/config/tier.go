package config

import (
	"net"
	"strings"
	"time"
)

// Tier is the hop between web servers (registrar web) and application servers
// (registrar app). registrar serve has none.
type Tier struct {
	// Listen is host:port where an application server takes the calls of web servers. Off loopback it needs
	// TLS.CAFile, or AllowUnauthenticated. Port 0 takes a free one.
	Listen string `koanf:"listen"`
	// Servers are host:port of each application server, or one dns:///host:port that stands for all addresses
	// that the name resolves to; dns://resolver:port/host:port asks that one.
	Servers []string `koanf:"servers"`
	TLS     TierTLS  `koanf:"tls"`
}

// TierTLS is for both ends of the hop: each proves itself to the other by its
// certificate. The files are read again when they change.
type TierTLS struct {
	// CertificateFile holds the certificate chain in PEM form, the process's own first. "" is plain text.
	CertificateFile string `koanf:"certificate_file"`
	// KeyFile holds its private key in PEM form.
	KeyFile string `koanf:"key_file"`
	// CAFile holds the authorities, in PEM form, that vouch for the other end.
	CAFile string `koanf:"ca_file"`
}

// dnsPrefix begins a name that stands for all its addresses.
const dnsPrefix = "dns://"

func defaultTier() Tier {
	return Tier{Listen: "127.0.0.1:8082", Servers: []string{"127.0.0.1:8082"}}
}

func (v *validator) tier(c Config) {
	v.between("drain_delay", c.DrainDelay, 0, 5*time.Minute)
	t := c.Tier
	if _, port, err := net.SplitHostPort(t.Listen); err != nil || !isPort(port, 0) {
		v.add("tier.listen", "must be host:port", "write it like 127.0.0.1:8082")
	}
	v.addresses("tier.servers", t.addresses(), "8082")
	if set := t.TLS.set(); len(set) == 1 || len(set) == 2 {
		v.add("tier.tls."+set[0], "is not enough: certificate_file, key_file and ca_file belong together", "set all of them, or none for plain text")
	}
}

// set are the keys that have a value.
func (t TierTLS) set() (keys []string) {
	for _, file := range [][2]string{{"certificate_file", t.CertificateFile}, {"key_file", t.KeyFile}, {"ca_file", t.CAFile}} {
		if file[1] != "" {
			keys = append(keys, file[0])
		}
	}
	return keys
}

// addresses are all that has to be host:port in Servers.
func (t Tier) addresses() []string {
	if len(t.Servers) != 1 || !strings.HasPrefix(t.Servers[0], dnsPrefix) {
		return t.Servers
	}
	resolver, name, _ := strings.Cut(strings.TrimPrefix(t.Servers[0], dnsPrefix), "/")
	if resolver == "" {
		return []string{name}
	}
	return []string{resolver, name}
}
