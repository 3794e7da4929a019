package deploy_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/config"
)

// object is what these tests look at of what Kubernetes is given.
type object struct {
	Kind     string
	Metadata struct {
		Name, Namespace string
		Labels          map[string]string
	}
	Automount *bool             `json:"automountServiceAccountToken"`
	Data      map[string]string // of a ConfigMap
	Spec      struct {
		Selector json.RawMessage // a Service's is a map, the others' has matchLabels
		// Of a Deployment.
		Replicas int
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
		// Of a Service.
		ClusterIP string
		Ports     []struct {
			Name       string
			Port       int
			TargetPort any
		}
		// Of a HorizontalPodAutoscaler.
		MinReplicas, MaxReplicas int
		ScaleTargetRef           struct{ APIVersion, Kind, Name string }
		// Of a NetworkPolicy.
		PodSelector labelSelector
		PolicyTypes []string
		Egress      []policyRule
		Ingress     []policyRule
	}
}

type policyRule struct {
	To, From []struct{ PodSelector, NamespaceSelector *labelSelector }
	Ports    []struct{ Port any }
}

type labelSelector struct {
	MatchLabels      map[string]string
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	}
}

type podSpec struct {
	ServiceAccountName            string
	TerminationGracePeriodSeconds int
	SecurityContext               struct {
		RunAsNonRoot                   bool
		RunAsUser, RunAsGroup, FSGroup int
		SeccompProfile                 struct{ Type string }
	}
	TopologySpreadConstraints []struct {
		TopologyKey   string
		LabelSelector labelSelector
	}
	Containers []struct {
		Args  []string
		Env   []struct{ Name, Value string }
		Ports []struct {
			Name          string
			ContainerPort int
		}
		StartupProbe, LivenessProbe, ReadinessProbe struct{ HTTPGet struct{ Path, Port string } }
		Resources                                   struct{ Limits, Requests map[string]string }
		SecurityContext                             struct {
			AllowPrivilegeEscalation *bool
			ReadOnlyRootFilesystem   bool
			Capabilities             struct{ Drop []string }
		}
		VolumeMounts []struct{ Name, MountPath string }
	}
	Volumes []struct {
		Name      string
		ConfigMap struct{ Name string }
		Projected struct {
			Sources []struct {
				Secret struct {
					Name  string
					Items []struct{ Key, Path string }
				}
			}
		}
	}
}

// selects says whether the selector selects what has these labels.
func (s labelSelector) selects(labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		if e.Operator != "In" || !slices.Contains(e.Values, labels[e.Key]) {
			return false
		}
	}
	return true
}

// matches reads a selector of either form.
func (o object) matches(t *testing.T) labelSelector {
	t.Helper()
	var s labelSelector
	into := any(&s)
	if o.Kind == "Service" {
		into = &s.MatchLabels
	}
	if err := json.Unmarshal(o.Spec.Selector, into); err != nil {
		t.Fatalf("%s %s: %v", o.Kind, o.Metadata.Name, err)
	}
	return s
}

// manifests are what kustomize makes of a directory, decoded strictly by the
// API's own types.
func manifests(t *testing.T, dir string) (objects []object, failed string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "-C", path("hack/manifests"), "run", ".", absolute(t, dir))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, said.String()
	}
	if err := json.Unmarshal(out, &objects); err != nil {
		t.Fatal(err)
	}
	return objects, ""
}

func base(t *testing.T) []object {
	t.Helper()
	objects, failed := manifests(t, path("deploy/kubernetes"))
	if failed != "" {
		t.Fatal(failed)
	}
	return objects
}

func kind(objects []object, kind string) map[string]object {
	found := map[string]object{}
	for _, o := range objects {
		if o.Kind == kind {
			found[o.Metadata.Name] = o
		}
	}
	return found
}

// TestManifestsAreCheckedStrictly: what Kubernetes would not know is an error here.
func TestManifestsAreCheckedStrictly(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"an unknown field":     {"automountServiceAccountToken: false", "automountServiceAccountTokens: false"},
		"a value of no number": {"maxSkew: 1", "maxSkew: one"},
		"an unknown kind":      {"kind: PodDisruptionBudget", "kind: PodDisruptionBudgets"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(path("deploy/kubernetes"))); err != nil {
			t.Fatal(err)
		}
		text := read(t, "deploy/kubernetes/app.yaml")
		if !strings.Contains(text, change[0]) {
			t.Fatalf("%s: there is no %s", name, change[0])
		}
		if err := os.WriteFile(filepath.Join(dir, "app.yaml"), []byte(strings.ReplaceAll(text, change[0], change[1])), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, failed := manifests(t, dir); !strings.Contains(failed, "registrar-app") {
			t.Errorf("%s: %q", name, failed)
		}
	}
}

// TestManifestsHaveTheTiers, each able to lose a pod at any time.
func TestManifestsHaveTheTiers(t *testing.T) {
	t.Parallel()
	objects := base(t)
	deployments, scalers, budgets, accounts := kind(objects, "Deployment"), kind(objects, "HorizontalPodAutoscaler"), kind(objects, "PodDisruptionBudget"), kind(objects, "ServiceAccount")
	for tier, atLeast := range map[string]int{"web": parts["web"], "app": parts["app"], "notify": parts["notify"]} {
		name := "registrar-" + tier
		d, ok := deployments[name]
		if !ok {
			t.Fatalf("there is no Deployment %s", name)
		}
		pod := d.Spec.Template
		if !d.matches(t).selects(pod.Metadata.Labels) || !budgets[name].matches(t).selects(pod.Metadata.Labels) {
			t.Errorf("%s: the labels %v are not those that are selected", name, pod.Metadata.Labels)
		}
		for other, o := range deployments {
			if other != name && (d.matches(t).selects(o.Spec.Template.Metadata.Labels) || budgets[name].matches(t).selects(o.Spec.Template.Metadata.Labels)) {
				t.Errorf("%s takes the pods of %s for its own", name, other)
			}
		}
		pods := d.Spec.Replicas
		if s, scaled := scalers[name]; scaled {
			if s.Spec.ScaleTargetRef != (struct{ APIVersion, Kind, Name string }{"apps/v1", "Deployment", name}) || pods != 0 {
				t.Errorf("%s is scaled by %+v, and has %d replicas", name, s.Spec.ScaleTargetRef, pods)
			}
			pods = s.Spec.MinReplicas
		}
		if pods < atLeast {
			t.Errorf("%s has %d pods, want %d", name, pods, atLeast)
		}
		if a, ok := accounts[pod.Spec.ServiceAccountName]; !ok || a.Automount == nil || *a.Automount {
			t.Errorf("%s: its account %s is not there, or has a token", name, pod.Spec.ServiceAccountName)
		}
		for _, spread := range pod.Spec.TopologySpreadConstraints {
			if !spread.LabelSelector.selects(pod.Metadata.Labels) {
				t.Errorf("%s is not spread over %s", name, spread.TopologyKey)
			}
		}
		if len(pod.Spec.TopologySpreadConstraints) != 2 {
			t.Errorf("%s is spread over %d topologies", name, len(pod.Spec.TopologySpreadConstraints))
		}
	}
	if len(deployments) != 3 || len(budgets) != 3 || len(accounts) != 3 || len(scalers) != 2 {
		t.Errorf("there are %d Deployments, %d budgets, %d accounts and %d scalers", len(deployments), len(budgets), len(accounts), len(scalers))
	}
}

// TestPodsAreRestricted, as the namespace enforces.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	objects := base(t)
	user := stages(t, read(t, "Dockerfile"))[1].one(t, "USER")
	for name, d := range kind(objects, "Deployment") {
		pod := d.Spec.Template.Spec
		if s := pod.SecurityContext; !s.RunAsNonRoot || user != itoa(s.RunAsUser)+":"+itoa(s.RunAsGroup) || s.FSGroup != s.RunAsGroup || s.SeccompProfile.Type != "RuntimeDefault" {
			t.Errorf("%s runs as %+v, and the image as %s", name, s, user)
		}
		c := pod.Containers[0]
		if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("%s: %+v", name, s)
		}
		if len(pod.Containers) != 1 || c.Resources.Limits["memory"] == "" || c.Resources.Limits["cpu"] == "" || c.Resources.Requests["cpu"] == "" {
			t.Errorf("%s has no limits or no requests: %+v", name, c.Resources)
		}
	}
	if n := kind(objects, "Namespace")["registrar"]; n.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace enforces %v", n.Metadata.Labels)
	}
	for _, o := range objects {
		if o.Kind == "Secret" {
			t.Errorf("the Secret %s is in the manifests", o.Metadata.Name)
		}
		if o.Kind != "Namespace" && o.Metadata.Namespace != "registrar" {
			t.Errorf("%s %s is in the namespace %q", o.Kind, o.Metadata.Name, o.Metadata.Namespace)
		}
	}
}

// TestPodsConfigureTheProgram: each tier's variables, file and secrets, as it
// loads them itself; its ports, probes, and the time it has to end.
func TestPodsConfigureTheProgram(t *testing.T) {
	t.Parallel()
	objects := base(t)
	services := kind(objects, "Service")
	for name, d := range kind(objects, "Deployment") {
		tier := strings.TrimPrefix(name, "registrar-")
		pod := d.Spec.Template.Spec
		container := pod.Containers[0]
		if !slices.Equal(container.Args, []string{tier}) {
			t.Errorf("%s runs %q", name, container.Args)
		}
		c := loadPod(t, objects, name, pod)
		if c.DrainDelay < 5*time.Second {
			t.Errorf("%s: Services need some seconds to leave a pod out, and it drains for %s", name, c.DrainDelay)
		}
		if grace := time.Duration(pod.TerminationGracePeriodSeconds) * time.Second; grace <= c.DrainDelay+2*c.ShutdownTimeout {
			t.Errorf("%s has %s to end, and may take %s and twice %s", name, grace, c.DrainDelay, c.ShutdownTimeout)
		}
		listens := map[string]string{"web": c.Listen, "app": c.Tier.Listen}
		ports := map[string]int{}
		for _, p := range container.Ports {
			ports[p.Name] = p.ContainerPort
			want := c.AdminListen
			if p.Name != "admin" {
				want = listens[tier]
			}
			if want != "0.0.0.0:"+itoa(p.ContainerPort) {
				t.Errorf("%s: the port %s is %d, and it listens at %s", name, p.Name, p.ContainerPort, want)
			}
		}
		for probe, get := range map[string]struct{ Path, Port string }{
			"/livez": container.LivenessProbe.HTTPGet, "/livez ": container.StartupProbe.HTTPGet, "/readyz": container.ReadinessProbe.HTTPGet,
		} {
			if get.Path != strings.TrimSpace(probe) || ports[get.Port] == 0 {
				t.Errorf("%s is asked for %s at %s", name, get.Path, get.Port)
			}
		}
		if s, ok := services[name]; ok {
			if !s.matches(t).selects(d.Spec.Template.Metadata.Labels) {
				t.Errorf("the Service %s selects no pod of it", name)
			}
			for _, p := range s.Spec.Ports {
				if target, ok := p.TargetPort.(string); !ok || ports[target] == 0 {
					t.Errorf("the Service %s leads to %v, which no pod has", name, p.TargetPort)
				}
			}
		} else if tier != "notify" {
			t.Errorf("there is no Service %s", name)
		}
	}
	app := services["registrar-app"]
	if web := loadPod(t, objects, "registrar-web", kind(objects, "Deployment")["registrar-web"].Spec.Template.Spec); app.Spec.ClusterIP != "None" ||
		!slices.Equal(web.Tier.Servers, []string{"dns:///registrar-app:" + itoa(app.Spec.Ports[0].Port)}) || web.Tier.TLS.CAFile == "" {
		t.Errorf("web servers ask %v, at a Service with the address %q", web.Tier.Servers, app.Spec.ClusterIP)
	}
}

// loadPod loads a pod's configuration, its secrets filled with what compose has.
func loadPod(t *testing.T, objects []object, name string, pod podSpec) config.Config {
	t.Helper()
	made := makeSecrets(t)
	dir := t.TempDir()
	for _, v := range pod.Volumes {
		if v.ConfigMap.Name != "" {
			m, ok := kind(objects, "ConfigMap")[v.ConfigMap.Name]
			if !ok {
				t.Fatalf("%s: there is no ConfigMap %s", name, v.ConfigMap.Name)
			}
			for file, text := range m.Data {
				write(t, filepath.Join(dir, v.Name, file), text)
			}
		}
		for _, source := range v.Projected.Sources {
			for _, item := range source.Secret.Items {
				text, err := os.ReadFile(filepath.Join(made, item.Path))
				if err != nil {
					text = []byte("of a provider")
				}
				write(t, filepath.Join(dir, v.Name, item.Path), string(text))
			}
		}
	}
	container := pod.Containers[0]
	var environ []string
	for _, e := range container.Env {
		for _, m := range container.VolumeMounts {
			if below, found := strings.CutPrefix(e.Value, m.MountPath+"/"); found {
				e.Value = filepath.Join(dir, m.Name, below)
			}
		}
		environ = append(environ, e.Name+"="+e.Value)
	}
	c, err := config.Load(nil, environ)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// TestPoliciesKeepTheTiersApart: a pod may do what a policy that selects it
// allows, and web servers' ends at application servers.
func TestPoliciesKeepTheTiersApart(t *testing.T) {
	t.Parallel()
	objects := base(t)
	policies, deployments := kind(objects, "NetworkPolicy"), kind(objects, "Deployment")
	labels := func(tier string) map[string]string {
		return deployments["registrar-"+tier].Spec.Template.Metadata.Labels
	}
	nobody := policies["registrar-nobody"].Spec
	if len(nobody.PodSelector.MatchLabels) != 0 || !slices.Equal(nobody.PolicyTypes, []string{"Ingress", "Egress"}) || len(nobody.Ingress)+len(nobody.Egress) != 0 {
		t.Errorf("what no policy allows is allowed: %+v", nobody)
	}
	// Where a tier may go: the ports, by whose pods they are.
	want := map[string]map[string][]string{
		"web":    {"kube-system": {"53"}, "app": {"tier"}},
		"app":    {"kube-system": {"53"}, "registrar-data": {"3306", "9092"}},
		"notify": {"kube-system": {"53"}, "registrar-data": {"3306", "9092"}, "anywhere": {"2775", "443", "465", "587"}},
	}
	for tier, goes := range want {
		got := map[string][]string{}
		for _, p := range policies {
			if !p.Spec.PodSelector.selects(labels(tier)) {
				continue
			}
			for _, rule := range p.Spec.Egress {
				targets := []string{"anywhere"}
				if len(rule.To) > 0 {
					targets = nil
				}
				for _, to := range rule.To {
					switch {
					case to.NamespaceSelector != nil:
						targets = append(targets, to.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
					default:
						targets = append(targets, to.PodSelector.MatchLabels["app.kubernetes.io/component"])
					}
				}
				for _, target := range targets {
					for _, port := range rule.Ports {
						got[target] = append(got[target], text(port.Port))
					}
				}
			}
		}
		for target := range got {
			slices.Sort(got[target])
			got[target] = slices.Compact(got[target])
		}
		if !maps.EqualFunc(got, goes, slices.Equal[[]string]) {
			t.Errorf("%s may go to %v, want %v", tier, got, goes)
		}
	}
	for _, p := range policies {
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				for tier := range want {
					if !p.Spec.PodSelector.selects(labels(tier)) {
						continue
					}
					if ports := deployments["registrar-"+tier].Spec.Template.Spec.Containers[0].Ports; !slices.ContainsFunc(ports, func(has struct {
						Name          string
						ContainerPort int
					}) bool {
						return has.Name == port.Port
					}) {
						t.Errorf("%s lets others to the port %v of %s, which it has not", p.Metadata.Name, port.Port, tier)
					}
				}
			}
		}
	}
}
