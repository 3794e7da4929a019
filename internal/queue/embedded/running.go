package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"registrar/internal/queue"
)

// addressFile tells other processes of the same user where the broker listens.
const addressFile = "address"

// tell writes the address at once or not at all.
func tell(dir, address string) error {
	path := filepath.Join(dir, addressFile)
	if err := os.WriteFile(path+".new", []byte(address), 0o600); err != nil {
		return fmt.Errorf("queue: embedded broker: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("queue: embedded broker: %w", err)
	}
	return nil
}

// Running gives the settings for clients of the broker that another process
// runs on dir. It waits, until ctx ends, for one that has only begun to start.
func Running(ctx context.Context, dir string) (queue.Settings, error) {
	for {
		address, err := os.ReadFile(filepath.Join(dir, addressFile))
		if err == nil {
			if _, _, err = net.SplitHostPort(string(address)); err != nil {
				return queue.Settings{}, fmt.Errorf("queue: embedded broker: file %s: %w", addressFile, err)
			}
			return settings(string(address)), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return queue.Settings{}, fmt.Errorf("queue: embedded broker: %w", err)
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return queue.Settings{}, fmt.Errorf("queue: embedded broker: it does not say where it listens: %w", ctx.Err())
		}
	}
}
