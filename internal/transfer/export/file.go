package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// File is written under another name, and gets its own when it is whole. It is its
// owner's alone: there are hashes of passwords in it.
type File struct {
	*os.File
	path string
}

// Create begins a file, and removes what an export to the same name has left that was
// killed. One that is there already under this name is an error.
func Create(path string) (*File, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: give another name, or remove the file", path)
	}
	if err := sweep(path); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	// Mode 0600, and a name that nobody has.
	f, err := os.CreateTemp(filepath.Dir(path), partPrefix(path)+"*"+partSuffix)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	// Whoever holds the lock writes; it ends with the process.
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("export: %w", err), f.Close(), os.Remove(f.Name()))
	}
	return &File{f, path}, nil
}

func partPrefix(path string) string { return "." + filepath.Base(path) + "." }

const partSuffix = ".part"

// lock fails where another process has the file.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// sweep removes the unfinished files of a path that nobody writes to any more.
func sweep(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		middle, ours := strings.CutPrefix(e.Name(), partPrefix(path))
		middle, part := strings.CutSuffix(middle, partSuffix)
		if _, err := strconv.ParseUint(middle, 10, 64); !ours || !part || err != nil || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(filepath.Dir(path), e.Name())
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // gone by now; somebody else's
			continue
		}
		if err != nil {
			return err
		}
		if lock(f) == nil {
			err = os.Remove(name)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Commit gives the file its name once all of it is on the disk. An error leaves
// nothing behind.
func (f *File) Commit() error {
	err := f.Sync()
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Abandon removes what was written.
func (f *File) Abandon() error { return errors.Join(f.Close(), os.Remove(f.Name())) }
