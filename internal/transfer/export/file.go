package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// File is written under another name, and gets its own when it is whole. It is its
// owner's alone: there are hashes of passwords in it.
type File struct {
	*os.File
	path string
}

// Create begins a file. One that is there already under this name is an error.
func Create(path string) (*File, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: give another name, or remove the file", path)
	}
	// Mode 0600, and a name that nobody has.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return &File{f, path}, nil
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
