package preview

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	templates "registrar/internal/notify/template"
)

// Write puts all pages into a directory, which is made if it is missing, and
// says how many files they are. index.html is the first page.
func Write(dir string, c *templates.Catalog) (int, error) {
	files, err := styles()
	if err != nil {
		return 0, err
	}
	for _, v := range views() {
		if files[v.file()], err = v.page(c); err != nil {
			return 0, err
		}
		frames, err := v.frames(c)
		if err != nil {
			return 0, err
		}
		maps.Copy(files, frames)
	}
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			return 0, fmt.Errorf("preview: %w", err)
		}
		if err := os.WriteFile(p, content, 0o600); err != nil {
			return 0, fmt.Errorf("preview: %w", err)
		}
	}
	return len(files), nil
}
