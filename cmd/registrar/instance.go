package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
)

// instance is this service's name among those that share a database, and its
// hold on its data directory. The name outlives the process, so that a restart
// takes up its own lease at once.
type instance struct {
	name string
	file *os.File
}

// openInstance makes dir, for its owner only, and keeps every other process out of it.
func openInstance(dir string) (*instance, error) {
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "instance")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w; name another one by --data-dir", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("data directory %s: another registrar uses it; stop that one or name another directory by --data-dir", dir)
		}
		return nil, errors.Join(err, f.Close())
	}
	name, err := readName(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), f.Close())
	}
	return &instance{name: name, file: f}, nil
}

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w; name another one by --data-dir", err)
	}
	return nil
}

// readName reads the name, or makes one for a new directory.
func readName(f *os.File) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return "", err
	}
	if id, err := uuid.Parse(strings.TrimSpace(string(b))); err == nil {
		return id.String(), nil
	}
	name := uuid.NewString()
	if err := f.Truncate(0); err != nil {
		return "", err
	}
	if _, err := f.WriteAt([]byte(name+"\n"), 0); err != nil {
		return "", err
	}
	return name, f.Sync()
}

// Close lets the directory go.
func (i *instance) Close() error { return i.file.Close() }
