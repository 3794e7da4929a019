package source

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/transfer/mapping"
)

const (
	connectTimeout = 10 * time.Second
	// answerTimeout is for the slowest answer: a COUNT of the table, or the first
	// row of a query.
	answerTimeout = 10 * time.Minute
)

// driverConfig says how the monolith's database is reached. Times come as the texts
// that the monolith itself sees.
func driverConfig(s mapping.Source) (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", s.Address, s.Name, s.User
	c.Timeout, c.ReadTimeout, c.WriteTimeout = connectTimeout, answerTimeout, connectTimeout
	c.InterpolateParams = true
	c.Logger = &mysql.NopLogger{}
	if s.TimeZone != "" {
		c.Params = map[string]string{"time_zone": "'" + strings.ReplaceAll(s.TimeZone, "'", "") + "'"}
	}
	if s.PasswordFile != "" {
		text, err := os.ReadFile(filepath.Clean(s.PasswordFile))
		if err != nil {
			return nil, fmt.Errorf("source: the mapping's source.password_file: %w", err)
		}
		c.Passwd = strings.TrimRight(string(text), "\r\n")
	}
	if s.TLS {
		host, _, err := net.SplitHostPort(s.Address)
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		c.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	if s.TLSCAFile != "" {
		text, err := os.ReadFile(filepath.Clean(s.TLSCAFile))
		if err != nil {
			return nil, fmt.Errorf("source: the mapping's source.tls_ca_file: %w", err)
		}
		if c.TLS.RootCAs = x509.NewCertPool(); !c.TLS.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("source: the mapping's source.tls_ca_file %s holds no certificate in PEM form", s.TLSCAFile)
		}
	}
	return c, nil
}
