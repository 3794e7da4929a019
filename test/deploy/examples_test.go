package deploy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"registrar/internal/devstack"
)

// example is what these tests look at of an operator's resource.
type example struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		Replicas int
		Roles    []string
		Image    string
		MyCnf    string `yaml:"myCnf"`
		Galera   struct {
			Enabled         bool
			SST             string
			ReplicaThreads  int               `yaml:"replicaThreads"`
			ProviderOptions map[string]string `yaml:"providerOptions"`
		}
		Kafka struct {
			Version   string
			Listeners []struct{ Port int }
			Config    map[string]any
		}
		SecretName string   `yaml:"secretName"`
		DNSNames   []string `yaml:"dnsNames"`
	}
}

func examples(t *testing.T, file string) (found []example) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(read(t, "deploy/kubernetes/examples", file))); ; {
		var e example
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found = append(found, e)
	}
}

// TestExampleOfTheDatabase: the settings on which the service relies, where the
// operator has them, at the addresses that the tiers ask.
func TestExampleOfTheDatabase(t *testing.T) {
	t.Parallel()
	db := examples(t, "mariadb.yaml")[0]
	for _, want := range devstack.GaleraSettings() {
		switch want.Name {
		case "wsrep_on", "wsrep_cluster_name": // the operator's own
		case "wsrep_sst_method":
			if db.Spec.Galera.SST != want.Value {
				t.Errorf("sst is %s, want %s", db.Spec.Galera.SST, want.Value)
			}
		case "wsrep_slave_threads":
			if fmt.Sprint(db.Spec.Galera.ReplicaThreads) != want.Value {
				t.Errorf("replicaThreads is %d, want %s", db.Spec.Galera.ReplicaThreads, want.Value)
			}
		case "wsrep_provider_options":
			for option := range strings.SplitSeq(want.Value, ";") {
				if name, value, _ := strings.Cut(option, "="); db.Spec.Galera.ProviderOptions[name] != value {
					t.Errorf("%s is %q, want %q", name, db.Spec.Galera.ProviderOptions[name], value)
				}
			}
		default:
			if !slices.Contains(strings.Fields(db.Spec.MyCnf), want.Name+"="+want.Value) {
				t.Errorf("%s is not %s", want.Name, want.Value)
			}
		}
	}
	project := compose(t)
	if image := of(t, project, "db")[0].Image; db.Spec.Image != image || !db.Spec.Galera.Enabled {
		t.Errorf("the image is %s, want %s", db.Spec.Image, image)
	}
	objects := base(t)
	var want []string
	for i := range db.Spec.Replicas {
		want = append(want, fmt.Sprintf("%[1]s-%[2]d.%[1]s-internal.%[3]s.svc:3306", db.Metadata.Name, i, db.Metadata.Namespace))
	}
	app := loadPod(t, objects, "registrar-app", kind(objects, "Deployment")["registrar-app"].Spec.Template.Spec)
	if !slices.Equal(app.Database.Addresses, want) || db.Spec.Replicas != parts["db"] {
		t.Errorf("application servers ask %v, want %v", app.Database.Addresses, want)
	}
}

// TestExampleOfTheBrokers: the same; what Strimzi keeps to itself aside.
func TestExampleOfTheBrokers(t *testing.T) {
	t.Parallel()
	var pool, kafka example
	for _, e := range examples(t, "kafka.yaml") {
		switch e.Kind {
		case "Kafka":
			kafka = e
		case "KafkaNodePool":
			pool = e
		}
	}
	// Of the prefixes that Strimzi forbids, those that it allows all the same.
	allowed := []string{"controller.quorum.election.backoff.max.ms", "controller.quorum.election.timeout.ms", "controller.quorum.fetch.timeout.ms"}
	forbidden := []string{"broker.", "controller.", "inter.broker.listener.name", "process.roles"}
	want := map[string]string{}
	for _, s := range devstack.KafkaSettings(pool.Spec.Replicas) {
		if !slices.ContainsFunc(forbidden, func(prefix string) bool { return strings.HasPrefix(s.Name, prefix) }) || slices.Contains(allowed, s.Name) {
			want[s.Name] = s.Value
		}
	}
	for name, value := range want {
		if got := fmt.Sprint(kafka.Spec.Kafka.Config[name]); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
	if len(kafka.Spec.Kafka.Config) != len(want) {
		t.Errorf("there are %d settings, want %d", len(kafka.Spec.Kafka.Config), len(want))
	}
	if kafka.Spec.Kafka.Version != devstack.KafkaVersion || pool.Spec.Replicas != parts["broker"] || !slices.Equal(pool.Spec.Roles, []string{"controller", "broker"}) {
		t.Errorf("there are %d brokers %s as %v", pool.Spec.Replicas, kafka.Spec.Kafka.Version, pool.Spec.Roles)
	}
	objects := base(t)
	address := net.JoinHostPort(kafka.Metadata.Name+"-kafka-bootstrap."+kafka.Metadata.Namespace+".svc", itoa(kafka.Spec.Kafka.Listeners[0].Port))
	if app := loadPod(t, objects, "registrar-app", kind(objects, "Deployment")["registrar-app"].Spec.Template.Spec); !slices.Equal(app.Kafka.Brokers, []string{address}) {
		t.Errorf("application servers ask %v, want %s", app.Kafka.Brokers, address)
	}
}

// TestExampleOfTheCertificate: it names what web servers ask for, in the Secret
// that pods mount.
func TestExampleOfTheCertificate(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t, "certificates.yaml") {
		if e.Kind == "Certificate" && e.Metadata.Name == "registrar-tier" {
			if !slices.Equal(e.Spec.DNSNames, []string{"registrar-app"}) {
				t.Errorf("it is for %v", e.Spec.DNSNames)
			}
			mounted := 0
			for _, d := range kind(base(t), "Deployment") {
				for _, v := range d.Spec.Template.Spec.Volumes {
					for _, s := range v.Projected.Sources {
						if s.Secret.Name == e.Spec.SecretName {
							mounted++
						}
					}
				}
			}
			if mounted != 2 {
				t.Errorf("%d tiers have it, want web and application servers", mounted)
			}
			return
		}
	}
	t.Error("there is none")
}
