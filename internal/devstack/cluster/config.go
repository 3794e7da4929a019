package cluster

import (
	"fmt"
	"strings"
)

const databaseName = "registrar"

// configuration is what all processes of the program share.
func (c *Cluster) configuration() string {
	var nodes, brokers, apps []string
	for _, n := range c.Galera.Nodes {
		nodes = append(nodes, n.Address)
	}
	for _, n := range c.Kafka.Nodes {
		brokers = append(brokers, n.Address)
	}
	for _, a := range c.Apps {
		apps = append(apps, a.Address())
	}
	text := fmt.Sprintf(`database:
  driver: mariadb
  addresses: [%s]
  name: %s
  user: %s
  password_file: %s
kafka:
  brokers: [%s]
tier:
  servers: [%s]
codes:
  key_file: %s
email:
  driver: smtp
  from: registrar@example.com
  smtp: {host: %s, port: %d, security: none}
sms:
  driver: smpp
  smpp: {host: %s, port: %d, system_id: %s, password: %s}
trusted_proxies: [%s]
proxy_protocol: true
drain_delay: 1500ms
`, strings.Join(nodes, ", "), databaseName, c.Galera.Nodes[0].User, c.dir("database.password"), strings.Join(brokers, ", "), strings.Join(apps, ", "), c.dir("codes.key"),
		c.Mail.Host, c.Mail.Port, c.SMSC.Host, c.SMSC.Port, c.SMSC.SystemID, c.SMSC.Password, c.trusted())
	if c.network != nil {
		text += "allow_unauthenticated: true\n" // the network is this machine's own
	}
	return text + c.options.Settings
}

// trusted is the network of the balancers.
func (c *Cluster) trusted() string {
	if c.network != nil {
		return c.network.Gateway + "/24"
	}
	return "127.0.0.1/32"
}
