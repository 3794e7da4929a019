package deploy_test

import (
	"context"
	"debug/elf"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// TestTheImage makes the image's root by the Dockerfile's own instructions, as a
// builder does, and runs the program in it: as its user, in nothing but this
// directory, with nothing writable but the volume. It needs root.
func TestTheImage(t *testing.T) {
	t.Parallel()
	root, image := buildImage(t)
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 3 {
		t.Errorf("at the image's root are %v (%v), want etc, registrar and var", entries, err)
	}
	t.Run("is static", func(t *testing.T) {
		t.Parallel()
		program, err := elf.Open(filepath.Join(root, "registrar"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = program.Close() }()
		for _, p := range program.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("the program has a segment %v: it asks for a dynamic linker", p.Type)
			}
		}
	})
	t.Run("says its version", func(t *testing.T) {
		t.Parallel()
		if out := run(t, "", nil, image.enter(t, root, t.TempDir(), "version")...); !strings.HasPrefix(out, "registrar v0-image ") {
			t.Errorf("it says %q", out)
		}
	})
	t.Run("serves", func(t *testing.T) {
		t.Parallel()
		serveImage(t, root, image)
	})
	t.Run("writes to its volume alone", func(t *testing.T) {
		t.Parallel()
		p, err := devstack.StartProcess("elsewhere", t.TempDir(), image.enter(t, root, t.TempDir(), "serve", "--data-dir", "/srv", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		select {
		case <-p.Exited():
		case <-time.After(30 * time.Second):
			t.Fatal("it runs")
		}
		if said, err := os.ReadFile(p.Log); err != nil || !strings.Contains(string(said), "read-only file system") {
			t.Errorf("it says %s (%v)", said, err)
		}
	})
}

// serveImage runs the image's command, asks the image's health check, and ends
// it as a container is ended.
func serveImage(t *testing.T, root string, image imageSettings) {
	soap, admin := freeAddress(t), freeAddress(t)
	volume := t.TempDir()
	p, err := devstack.StartProcess("serve", t.TempDir(), image.enter(t, root, volume, append(image.command, "--listen", soap, "--admin-listen", admin)...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.AwaitReady(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", resp.Status)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "", nil, image.enter(t, root, volume, append(image.health, "--admin", admin)...)...); out != "ready\n" {
		t.Errorf("the health check says %q", out)
	}
	if _, err := os.Stat(filepath.Join(volume, "registrar.db")); err != nil {
		t.Errorf("the volume has no database: %v", err)
	}
	p.Stop(30 * time.Second)
	if said, err := os.ReadFile(p.Log); err != nil || !strings.Contains(string(said), "stopped") {
		t.Errorf("it did not stop in order: %s (%v)", said, err)
	}
}

// imageSettings are what the last stage says of a container.
type imageSettings struct {
	user, volume    string
	environ         []string
	command, health []string // without the program itself
}

// buildImage does what a builder does: the first stage's commands, where /src is
// this repository and /out a directory of the test, and the copies of the last.
func buildImage(t *testing.T) (root string, image imageSettings) {
	t.Helper()
	all := stages(t, read(t, "Dockerfile"))
	if len(all) != 2 || all[0].name != "build" || all[1].from != "scratch" {
		t.Fatalf("the Dockerfile has %d stages", len(all))
	}
	build, last := all[0], all[1]
	out := t.TempDir()
	for _, command := range build.all("RUN") {
		if command == "go mod download" {
			continue // the modules are here
		}
		run(t, repository, []string{"VERSION=v0-image"}, "sh", "-ec", strings.ReplaceAll(command, "/out", out))
	}
	root = t.TempDir()
	owned := regexp.MustCompile(`^--chown=(\d+):(\d+)$`)
	for _, args := range last.all("COPY") {
		fields := strings.Fields(args)
		from, to := fields[len(fields)-2], filepath.Join(root, fields[len(fields)-1])
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "", nil, "cp", "-a", strings.Replace(from, "/out", out, 1), to)
		for _, flag := range fields[:len(fields)-2] {
			if m := owned.FindStringSubmatch(flag); m != nil {
				run(t, "", nil, "chown", "-R", m[1]+":"+m[2], to)
			}
		}
	}
	image = imageSettings{user: last.one(t, "USER"), volume: last.one(t, "VOLUME"), environ: last.all("ENV")}
	if entry := list(t, last.one(t, "ENTRYPOINT")); len(entry) != 1 || entry[0] != "/registrar" {
		t.Fatalf("ENTRYPOINT %q", entry)
	}
	image.command = list(t, last.one(t, "CMD"))
	_, check, _ := strings.Cut(last.one(t, "HEALTHCHECK"), "CMD ")
	image.health = list(t, check)[1:]
	return root, image
}

// list reads the JSON form of an instruction.
func list(t *testing.T, args string) (words []string) {
	t.Helper()
	for _, quoted := range strings.Split(strings.Trim(args, "[]"), ",") {
		word, err := strconv.Unquote(strings.TrimSpace(quoted))
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		words = append(words, word)
	}
	return words
}

// enter is a command that runs the program in a container: mounts and processes
// of its own, a root that cannot be written to, the image's user without any
// capability. The volume is a directory of the test.
func (i imageSettings) enter(t *testing.T, root, volume string, args ...string) []string {
	t.Helper()
	run(t, "", nil, "chown", i.user, volume)
	const script = `mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1$3"
mount -o remount,bind,ro "$1"
user=$4
root=$1
shift 4
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all chroot --userspec="$user" "$root" /registrar "$@"`
	argv := []string{"env", "-i", "PATH=" + os.Getenv("PATH")}
	argv = append(argv, i.environ...)
	argv = append(argv, "unshare", "--mount", "sh", "-euc", script, "sh", root, volume, i.volume, i.user)
	return append(argv, args...)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := devstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
