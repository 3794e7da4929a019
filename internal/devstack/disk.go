package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Disk is a small file system in memory (tmpfs(5)) at a directory, which can be
// filled to its last byte while the disks of all others have room. It needs
// root.
type Disk struct{ dir string }

// diskPrefix begins the names of all disks of this package; the id of the process
// that made one follows.
const diskPrefix = "registrar-disk-"

// NewDisk puts an empty disk of so many bytes at dir, which is made when it is
// missing. Close it. Disks of processes that have died are removed.
func NewDisk(dir string, size int64) (*Disk, error) {
	if err := removeStaleDisks(); err != nil {
		return nil, fmt.Errorf("devstack: disk: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("devstack: disk: %w", err)
	}
	if err := syscall.Mount(diskPrefix+strconv.Itoa(os.Getpid()), dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		return nil, fmt.Errorf("devstack: disk: %s: %w; it needs root", dir, err)
	}
	return &Disk{dir}, nil
}

// removeStaleDisks goes by what is mounted (proc(5), mounts).
func removeStaleDisks() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		id, ours := strings.CutPrefix(f[0], diskPrefix)
		pid, err := strconv.Atoi(id)
		if ours && err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			if err := syscall.Unmount(f[1], syscall.MNT_DETACH); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// Fill takes all the room that is left.
func (d *Disk) Fill() error {
	file, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("devstack: disk: %w", err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		_, err := file.Write(block)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil:
			return fmt.Errorf("devstack: disk: %w", err)
		}
	}
	return nil
}

// Empty gives the room back that Fill has taken.
func (d *Disk) Empty() error {
	if err := os.Remove(d.ballast()); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("devstack: disk: %w", err)
	}
	return nil
}

// Close removes the disk with all that is on it. What still uses it keeps it
// until it ends.
func (d *Disk) Close() error {
	if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("devstack: disk: %w", err)
	}
	return nil
}
