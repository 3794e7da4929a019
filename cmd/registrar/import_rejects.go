package main

import (
	"fmt"
	"os"

	"registrar/internal/transfer"
	"registrar/internal/transfer/source"
)

// rejectsName is the file of rejects that is asked for, or that an interrupted
// import has; "" for none.
func (f importFlags) rejectsName(before *transfer.Import) (string, error) {
	switch {
	case before == nil && f.rejects == "":
		return "", nil
	case f.rejects == "":
		return before.Rejects, nil
	case before != nil && before.RejectsSize > 0 && before.Rejects != absolute(f.rejects):
		return "", fmt.Errorf("there is an import of this source, which runs now or was interrupted (its last batch was at %s), and it writes its rejects to %s: "+
			"let it end if it runs; else leave --rejects out to go on with it, or begin anew with --restart", shortTime(before.UpdatedAt), before.Rejects)
	default:
		return absolute(f.rejects), nil
	}
}

// openRejects opens the file of rejects name; nil for "". It overwrites nothing but
// what the import before, if there is one, has written.
func openRejects(name string, m monolith, before *transfer.Import) (*source.Rejects, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // none
	}
	if name == m.path {
		return nil, fmt.Errorf("--rejects is the file that is imported: give another name")
	}
	goesOn := before != nil && before.Rejects == name
	if info, err := os.Stat(name); err == nil && info.Size() > 0 && !goesOn {
		return nil, fmt.Errorf("%s is there already: give --rejects another name, or remove the file", name)
	}
	return source.OpenRejects(name, m.Source, m.path, m.Columns())
}
