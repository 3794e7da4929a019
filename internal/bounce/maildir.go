package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"registrar/internal/delivery"
)

// Maildir takes mail from a directory into which a mail server of this machine
// delivers. It is for reports alone: what was read is removed after a while.
//
// Each mail is in new until what it says is in the ledger; then it is moved to
// cur, marked as seen, or, where its form is broken, to new of the folder
// .unreadable, for a person to look at. Several processes may watch one.
type Maildir struct {
	config  MaildirConfig
	handler *Handler
	swept   time.Time // when it was last looked for old mail
}

// MaildirConfig says where mail comes, and what becomes of it.
type MaildirConfig struct {
	Dir      string
	Poll     time.Duration // how often it is looked for mail
	Keep     time.Duration // after which mail that was read is removed, and broken reports
	MaxBytes int64         // of a mail; the rest is not read
	Log      *slog.Logger
}

const (
	// unsettledLimit is how old a mail may be that names a notification which is
	// still being sent.
	unsettledLimit = 24 * time.Hour
	// sweepInterval is how often it is looked for old mail.
	sweepInterval = time.Hour
	// chunk bounds the names that are held at once.
	chunk = 256
	// unreadable is a folder in the form of Maildir++.
	unreadable = ".unreadable"
)

// OpenMaildir makes what is missing of the directory.
func OpenMaildir(config MaildirConfig, handler *Handler) (*Maildir, error) {
	m := &Maildir{config: config, handler: handler}
	for _, dir := range []string{"tmp", "new", "cur", unreadable + "/tmp", unreadable + "/new", unreadable + "/cur"} {
		if err := os.MkdirAll(filepath.Join(config.Dir, dir), 0o700); err != nil {
			return nil, fmt.Errorf("bounce: the maildir cannot be made: %w", err)
		}
	}
	return m, nil
}

// Run watches the directory until ctx ends. What fails is told and tried again.
func (m *Maildir) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.config.Poll)
	defer ticker.Stop()
	told := ""
	for {
		err := m.Pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			told = ""
		case err.Error() != told: // once, however long it lasts
			told = err.Error()
			m.config.Log.Error("mail that came back cannot be taken from the maildir; it stays there and is tried again", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Pass handles what is there now. It ends with the first error that is not one
// mail's alone.
func (m *Maildir) Pass(ctx context.Context) error {
	err := m.each("new", func(name string) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return m.take(ctx, name)
	})
	if err != nil {
		return err
	}
	if now := m.handler.Now(); now.Sub(m.swept) >= sweepInterval {
		m.swept = now
		return m.sweep(now)
	}
	return nil
}

// each calls do with the names in a folder, a chunk at a time.
func (m *Maildir) each(folder string, do func(name string) error) error {
	dir, err := os.Open(filepath.Join(m.config.Dir, folder))
	if err != nil {
		return fmt.Errorf("bounce: maildir: %w", err)
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(chunk)
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if err := do(e.Name()); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("bounce: maildir: %w", err)
		}
	}
}

// take handles one mail and moves it away.
func (m *Maildir) take(ctx context.Context, name string) error {
	path := filepath.Join(m.config.Dir, "new", name)
	mail, arrived, err := m.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process has taken it
	}
	if err != nil {
		return fmt.Errorf("bounce: maildir: %w", err)
	}
	result, err := m.handler.Handle(ctx, mail)
	if errors.Is(err, delivery.ErrNotSettled) {
		if m.handler.Now().Sub(arrived) < unsettledLimit {
			return nil // the next pass
		}
		result, err = m.handler.giveUp(ctx), nil
	}
	if err != nil {
		return err
	}
	base, _, _ := strings.Cut(name, ":")
	to := filepath.Join("cur", base+":2,S")
	if result == Unreadable {
		to = filepath.Join(unreadable, "new", base)
	}
	err = os.Rename(path, filepath.Join(m.config.Dir, to))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("bounce: maildir: %w", err)
	}
	return nil
}

// read gives a mail's first MaxBytes octets and the time when it came.
func (m *Maildir) read(path string) (mail []byte, arrived time.Time, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	mail, err = io.ReadAll(io.LimitReader(file, m.config.MaxBytes))
	return mail, info.ModTime(), err
}

// sweep removes what was read long enough ago.
func (m *Maildir) sweep(now time.Time) error {
	for _, folder := range []string{"cur", unreadable + "/new", unreadable + "/cur"} {
		err := m.each(folder, func(name string) error {
			path := filepath.Join(m.config.Dir, folder, name)
			info, err := os.Lstat(path)
			if err == nil && now.Sub(info.ModTime()) > m.config.Keep {
				err = os.Remove(path)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("bounce: maildir: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
