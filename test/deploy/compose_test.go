package deploy_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"registrar/internal/config"
	"registrar/internal/devstack"
)

// parts are what the system consists of, by the names that the parts have in
// the cluster that this repository runs itself.
var parts = map[string]int{"db": 3, "broker": 3, "balancer": 1, "web": 2, "app": 3, "notify": 2}

// compose reads docker-compose.yml against the specification's schema.
func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: absolute(t, repository), Environment: types.Mapping{},
		ConfigFiles: []types.ConfigFile{{Filename: absolute(t, path("docker-compose.yml"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// of are the services of a kind, by their names.
func of(t *testing.T, project *types.Project, kind string) (found []types.ServiceConfig) {
	t.Helper()
	for i := range parts[kind] {
		s, ok := project.Services[kind+strconv.Itoa(i+1)]
		if !ok {
			t.Fatalf("there is no %s%d", kind, i+1)
		}
		found = append(found, s)
	}
	return found
}

// TestComposeHasTheParts: all of them, and no other.
func TestComposeHasTheParts(t *testing.T) {
	t.Parallel()
	want := []string{"mail", "smsc"}
	for kind, n := range parts {
		for i := range n {
			want = append(want, kind+strconv.Itoa(i+1))
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(compose(t).Services)); !slices.Equal(got, want) {
		t.Errorf("the services are\n%v, want\n%v", got, want)
	}
}

var releaseSeries = regexp.MustCompile(`\b(\d+\.\d+)\.\d+`)

// TestComposeHasTheVersions that the tests run against.
func TestComposeHasTheVersions(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for _, s := range of(t, project, "broker") {
		if want := "apache/kafka:" + devstack.KafkaVersion; s.Image != want {
			t.Errorf("%s has the image %s, want %s", s.Name, s.Image, want)
		}
	}
	for kind, program := range map[string][]string{"db": {"/usr/sbin/mariadbd", "--version"}, "balancer": {"/usr/sbin/haproxy", "-v"}} {
		here := releaseSeries.FindStringSubmatch(run(t, "", nil, program...))
		for _, s := range of(t, project, kind) {
			if there := releaseSeries.FindStringSubmatch(s.Image); here == nil || there == nil || there[1] != here[1] {
				t.Errorf("%s has the image %s, and the tests run %v", s.Name, s.Image, here)
			}
		}
	}
}

// TestComposeHasTheSettingsOfTheDatabase.
func TestComposeHasTheSettingsOfTheDatabase(t *testing.T) {
	t.Parallel()
	project := compose(t)
	has := map[string]string{}
	for line := range strings.Lines(read(t, "deploy/mariadb/galera.cnf")) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			if _, twice := has[name]; twice {
				t.Errorf("%s is set twice", name)
			}
			has[name] = strings.Trim(value, `"`)
		}
	}
	for _, want := range devstack.GaleraSettings() {
		if got := has[want.Name]; got != want.Value {
			t.Errorf("%s is %q, want %q", want.Name, got, want.Value)
		}
	}
	for _, s := range of(t, project, "db") {
		environ := values(t, s)
		if environ["GALERA_NODE"] != s.Name {
			t.Errorf("%s is called %s by itself", s.Name, environ["GALERA_NODE"])
		}
		var nodes []string
		for _, n := range of(t, project, "db") {
			nodes = append(nodes, n.Name)
		}
		if want := strings.Join(nodes, ","); environ["GALERA_NODES"] != want {
			t.Errorf("%s has the nodes %s, want %s", s.Name, environ["GALERA_NODES"], want)
		}
		if !slices.Equal([]string(s.Command), []string{"run"}) {
			t.Errorf("%s is started by %q: a node may only ever join", s.Name, s.Command)
		}
	}
}

// TestComposeHasTheSettingsOfTheBrokers, whose image takes each from a variable.
func TestComposeHasTheSettingsOfTheBrokers(t *testing.T) {
	t.Parallel()
	project := compose(t)
	var voters []string
	for i, s := range of(t, project, "broker") {
		voters = append(voters, fmt.Sprintf("%d@%s:9093", i+1, s.Name))
	}
	cluster := map[string]bool{}
	for i, s := range of(t, project, "broker") {
		environ := values(t, s)
		want := map[string]string{
			"node.id": strconv.Itoa(i + 1), "advertised.listeners": "PLAINTEXT://" + s.Name + ":9092", "controller.quorum.voters": strings.Join(voters, ","),
		}
		for _, setting := range devstack.KafkaSettings(len(voters)) {
			want[setting.Name] = setting.Value
		}
		for name, value := range want {
			if got := environ["KAFKA_"+strings.ToUpper(strings.ReplaceAll(name, ".", "_"))]; got != value {
				t.Errorf("%s: %s is %q, want %q", s.Name, name, got, value)
			}
		}
		cluster[environ["CLUSTER_ID"]] = true
		if id, err := base64.RawURLEncoding.DecodeString(environ["CLUSTER_ID"]); err != nil || len(id) != 16 {
			t.Errorf("%s: CLUSTER_ID is not 16 octets in base64", s.Name)
		}
	}
	if len(cluster) != 1 {
		t.Errorf("the brokers are of %d clusters", len(cluster))
	}
}

// TestComposeConfiguresTheProgram: each process's variables and file, as it
// loads them itself, and with them the other parts.
func TestComposeConfiguresTheProgram(t *testing.T) {
	t.Parallel()
	project := compose(t)
	secrets := makeSecrets(t)
	for kind, reaches := range map[string][]string{"web": {"app"}, "app": {"db", "broker", "web"}, "notify": {"db", "broker"}} {
		for _, s := range of(t, project, kind) {
			if s.Build == nil || s.Build.Context != absolute(t, repository) || !slices.Equal([]string(s.Command), []string{kind}) {
				t.Errorf("%s is not registrar %s of this repository", s.Name, kind)
			}
			c := loadFor(t, project, s, secrets)
			if kind == "web" {
				if !slices.Equal(c.Tier.Servers, addresses(t, project, "app", 8082)) {
					t.Errorf("%s asks %v", s.Name, c.Tier.Servers)
				}
			} else if !slices.Equal(c.Database.Addresses, addresses(t, project, "db", 3306)) || !slices.Equal(c.Kafka.Brokers, addresses(t, project, "broker", 9092)) {
				t.Errorf("%s works with %v and %v", s.Name, c.Database.Addresses, c.Kafka.Brokers)
			}
			if grace := time.Duration(*s.StopGracePeriod); grace <= c.DrainDelay+2*c.ShutdownTimeout {
				t.Errorf("%s has %s to stop, and may take %s and twice %s", s.Name, grace, c.DrainDelay, c.ShutdownTimeout)
			}
			for _, other := range reaches {
				for _, o := range of(t, project, other) {
					if !reach(s, o) {
						t.Errorf("%s does not reach %s", s.Name, o.Name)
					}
				}
			}
		}
	}
	for _, s := range of(t, project, "notify") {
		c := loadFor(t, project, s, secrets)
		for sink, address := range map[string][2]any{"mail": {c.Email.SMTP.Host, c.Email.SMTP.Port}, "smsc": {c.SMS.SMPP.Host, c.SMS.SMPP.Port}} {
			o := project.Services[sink]
			if address[0] != sink || !reach(s, o) {
				t.Errorf("%s does not reach %s at %v", s.Name, sink, address)
			}
			all := stages(t, read(t, "deploy/compose/"+sink+".Dockerfile"))
			if exposed := all[len(all)-1].one(t, "EXPOSE"); exposed != fmt.Sprint(address[1]) {
				t.Errorf("%s asks %s at port %v, which listens at %s", s.Name, sink, address[1], exposed)
			}
		}
	}
}

// TestComposeBalances: the balancer takes its file with compose's variables, and
// knows every web server.
func TestComposeBalances(t *testing.T) {
	t.Parallel()
	project := compose(t)
	secrets := makeSecrets(t)
	for _, b := range of(t, project, "balancer") {
		var environ []string
		for name, value := range values(t, b) {
			environ = append(environ, name+"="+value)
		}
		check := []string{"/usr/sbin/haproxy", "-c"}
		for _, c := range b.Configs {
			if !slices.Contains([]string(b.Command), c.Target) {
				t.Errorf("%s does not read %s", b.Name, c.Target)
			}
			check = append(check, "-f", project.Configs[c.Source].File)
		}
		run(t, "", environ, check...)
		_, subnet, err := net.ParseCIDR(project.Networks["front"].Ipam.Config[0].Subnet)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range of(t, project, "web") {
			c := loadFor(t, project, s, secrets)
			server := regexp.MustCompile(`(?m)^ +server ` + s.Name + " " + regexp.QuoteMeta(strings.Replace(c.Listen, "0.0.0.0", s.Name, 1)) + " port " + strings.TrimPrefix(c.AdminListen, "0.0.0.0:") + " ")
			if !server.MatchString(read(t, "deploy/compose/webs.cfg")) {
				t.Errorf("%s does not know %s at %s and %s", b.Name, s.Name, c.Listen, c.AdminListen)
			}
			if !reach(b, s) || !c.ProxyProtocol || !slices.Equal(c.TrustedProxies, []string{subnet.String()}) {
				t.Errorf("%s does not take callers of %s from %s", s.Name, b.Name, subnet)
			}
		}
		if b.Ports[0].Target != 8080 || values(t, b)["REGISTRAR_LISTEN"] != ":8080" {
			t.Errorf("%s listens at %s, and %d is published", b.Name, values(t, b)["REGISTRAR_LISTEN"], b.Ports[0].Target)
		}
	}
}

// TestComposeKeepsTheTiersApart: who is in reach of strangers has neither the
// database nor what signs in to it.
func TestComposeKeepsTheTiersApart(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for _, s := range slices.Concat(of(t, project, "web"), of(t, project, "balancer")) {
		for _, o := range slices.Concat(of(t, project, "db"), of(t, project, "broker"), []types.ServiceConfig{project.Services["mail"], project.Services["smsc"]}) {
			if reach(s, o) {
				t.Errorf("%s reaches %s", s.Name, o.Name)
			}
		}
		for _, secret := range s.Secrets {
			if slices.Contains([]string{"database.password", "database.root.password", "codes.key", "smsc.password"}, secret.Source) {
				t.Errorf("%s has the secret %s", s.Name, secret.Source)
			}
		}
	}
	for name, s := range project.Services {
		for _, port := range s.Ports {
			if ip := net.ParseIP(port.HostIP); !strings.HasPrefix(name, "balancer") || ip == nil || !ip.IsLoopback() {
				t.Errorf("%s is open to others than this machine at %s:%s", name, port.HostIP, port.Published)
			}
		}
		for network := range s.Networks {
			if !project.Networks[network].Internal && !strings.HasPrefix(name, "balancer") {
				t.Errorf("%s is in the network %s, which leads outside", name, network)
			}
		}
	}
}

// TestComposeContainsItsParts: each can do what it has to, and no more.
func TestComposeContainsItsParts(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t).Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged {
			t.Errorf("%s may more than it needs", name)
		}
		if s.Restart != "unless-stopped" {
			t.Errorf("%s is restarted %q", name, s.Restart)
		}
		if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 || s.Deploy.Resources.Limits.NanoCPUs == 0 || s.Deploy.Resources.Limits.Pids == 0 {
			t.Errorf("%s has no limits", name)
		}
		if s.HealthCheck == nil && s.Build == nil { // TestNoImageRunsAsRoot: what is built here has one in its image
			t.Errorf("%s has no health check", name)
		}
		if s.Image != "" && s.Build == nil && !exactly.MatchString(s.Image) {
			t.Errorf("%s has the image %s: name a release", name, s.Image)
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && !v.ReadOnly {
				t.Errorf("%s may write to %s of this machine", name, v.Source)
			}
		}
	}
}

var (
	secretName  = regexp.MustCompile(`(?i)password|passwd|secret|token|_key`)
	secretValue = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}={0,2}|-----BEGIN`)
)

// TestComposeHoldsNoSecret, but names of files that git does not see.
func TestComposeHoldsNoSecret(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for name, s := range project.Secrets {
		if s.Environment != "" || s.Content != "" || filepath.Dir(s.File) != absolute(t, path("deploy/compose/secrets")) {
			t.Errorf("the secret %s is not a file of deploy/compose/secrets", name)
		}
	}
	run(t, repository, nil, "git", "check-ignore", "--quiet", "deploy/compose/secrets/codes.key")
	for name, s := range project.Services {
		for variable, value := range values(t, s) {
			if secretName.MatchString(variable) && !strings.HasPrefix(value, "/run/secrets/") {
				t.Errorf("%s: %s is in the file", name, variable)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := project.Secrets[secret.Source]; !ok {
				t.Errorf("%s: there is no secret %s", name, secret.Source)
			}
		}
	}
	for _, file := range []string{"docker-compose.yml", "deploy/compose/registrar.yaml", "deploy/mariadb/galera.cnf"} {
		for line := range strings.Lines(read(t, file)) {
			line, _, _ = strings.Cut(line, "#")
			for _, value := range secretValue.FindAllString(line, -1) {
				if strings.ContainsAny(value, "0123456789") && strings.ToUpper(value) != value && strings.ToLower(value) != value {
					t.Errorf("%s: %s looks like a secret", file, value)
				}
			}
		}
	}
}

// TestMakeSecrets: all that are mounted, readable in the containers, and none
// of them made again.
func TestMakeSecrets(t *testing.T) {
	t.Parallel()
	dir := makeSecrets(t)
	before := map[string]string{}
	for name, s := range compose(t).Secrets {
		file := filepath.Join(dir, filepath.Base(s.File))
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o444 {
			t.Errorf("%s has the mode %v (%v): containers read it as users of their own", name, info.Mode(), err)
		}
		before[file] = string(text)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has the mode %v (%v)", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(before) {
		t.Errorf("there are %d files for %d secrets (%v)", len(entries), len(before), err)
	}
	if len(slices.Compact(slices.Sorted(maps.Values(before)))) != len(before) {
		t.Error("two secrets are the same")
	}
	run(t, repository, nil, "deploy/compose/make-secrets", dir)
	for file, text := range before {
		if now, err := os.ReadFile(file); err != nil || string(now) != text {
			t.Errorf("%s was made again (%v)", filepath.Base(file), err)
		}
	}
}

func makeSecrets(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	run(t, repository, nil, "deploy/compose/make-secrets", dir)
	return dir
}

// loadFor loads a process's configuration with the secrets of dir.
func loadFor(t *testing.T, project *types.Project, s types.ServiceConfig, dir string) config.Config {
	t.Helper()
	mounted := map[string]bool{}
	for _, secret := range s.Secrets {
		mounted[secret.Source] = true
	}
	var environ []string
	for name, value := range values(t, s) {
		if secret, found := strings.CutPrefix(value, "/run/secrets/"); found {
			if !mounted[secret] {
				t.Errorf("%s: %s is not mounted", s.Name, value)
			}
			value = filepath.Join(dir, secret)
		}
		for _, c := range s.Configs {
			if value == c.Target {
				value = project.Configs[c.Source].File
			}
		}
		environ = append(environ, name+"="+value)
	}
	c, err := config.Load(nil, environ)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return c
}

// values are a service's variables.
func values(t *testing.T, s types.ServiceConfig) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, value := range s.Environment {
		if value == nil {
			t.Fatalf("%s takes %s from this machine", s.Name, name)
		}
		all[name] = *value
	}
	return all
}

func addresses(t *testing.T, project *types.Project, kind string, port int) (all []string) {
	t.Helper()
	for _, s := range of(t, project, kind) {
		all = append(all, net.JoinHostPort(s.Name, strconv.Itoa(port)))
	}
	return all
}

// reach says whether two services have a network in common.
func reach(a, b types.ServiceConfig) bool {
	for network := range a.Networks {
		if _, ok := b.Networks[network]; ok {
			return true
		}
	}
	return false
}
