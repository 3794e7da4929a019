package devstack_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"registrar/internal/devstack"
)

// TestStaleDisk: the disk of a process that has died is gone with the next one.
func TestStaleDisk(t *testing.T) {
	ended := exec.CommandContext(t.Context(), "true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	stale := t.TempDir()
	if err := syscall.Mount("registrar-disk-"+strconv.Itoa(ended.Process.Pid), stale, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stale, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	disk, err := devstack.NewDisk(filepath.Join(t.TempDir(), "next"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(stale, "file")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale disk is still there: %v", err)
		_ = syscall.Unmount(stale, syscall.MNT_DETACH)
	}
	if err := disk.Close(); err != nil {
		t.Error(err)
	}
}

// TestDisk fills a disk to its last byte, and gives the room back.
func TestDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	disk, err := devstack.NewDisk(dir, 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	t.Cleanup(func() {
		if !closed {
			_ = disk.Close()
		}
	})
	file := filepath.Join(dir, "file")
	write := func() error { return os.WriteFile(file, make([]byte, 4096), 0o600) }
	for range 2 {
		_ = os.Remove(file)
		if err := disk.Fill(); err != nil {
			t.Fatal(err)
		}
		if err := write(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("on the full disk: %v", err)
		}
		if err := disk.Empty(); err != nil {
			t.Fatal(err)
		}
		if err := write(); err != nil {
			t.Errorf("with the room given back: %v", err)
		}
	}
	closed = true
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the disk is still there: %v", err)
	}
}
