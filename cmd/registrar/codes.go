package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"registrar/internal/config"
	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/verification"
)

// codeKeyFile is the key that the embedded default makes for itself, in data_dir.
const codeKeyFile = "codes.key"

// codeKeys are the keys of one-time codes.
func codeKeys(c config.Config) (*verification.Keys, error) {
	key, err := codeSecret(c)
	if err != nil {
		return nil, err
	}
	return verification.NewKeys(key)
}

// codeSecret is what the keys of one-time codes are derived from: the
// configured one, or the data directory's own. The directory must be this
// process's.
func codeSecret(c config.Config) ([]byte, error) {
	text := c.Codes.Key.Reveal()
	if text == "" {
		var err error
		if text, err = ownCodeKey(filepath.Join(c.DataDir, codeKeyFile)); err != nil {
			return nil, fmt.Errorf("the key of one-time codes: %w; or give one by codes.key or codes.key_file", err)
		}
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != verification.KeySize {
		return nil, fmt.Errorf("the key of one-time codes is not %d octets in base64: see codes.key, codes.key_file, and %s in data_dir", verification.KeySize, codeKeyFile)
	}
	return key, nil
}

// ownCodeKey reads the key at path, and makes it where there is none: whole on
// the disk under another name before it gets its own.
func ownCodeKey(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	key := make([]byte, verification.KeySize)
	_, _ = rand.Read(key) // it never fails
	text := base64.StdEncoding.EncodeToString(key)
	if err := writeSynced(path+".new", text+"\n"); err != nil {
		return "", err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", err
	}
	return text, syncDir(filepath.Dir(path))
}

func writeSynced(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(path string) (err error) {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}

func codeRules(c config.Codes) registration.CodeRules {
	return registration.CodeRules{Life: c.Life, Attempts: c.Attempts, Cooldown: c.Cooldown, DailyCap: c.DailyCap}
}

// codeOpener opens the code of a claim before it is rendered, and withholds what
// there is nothing to say of any more.
type codeOpener struct {
	keys *verification.Keys
	next notify.Renderer
}

// Render implements notify.Renderer.
func (o codeOpener) Render(c notify.Claim) (notify.Message, error) {
	if c.Notification.Kind == registration.VerificationCode {
		if c.Code.Sealed == nil {
			return notify.Message{}, &notify.WithheldError{Reason: "SUPERSEDED"}
		}
		text, err := o.keys.Open(c.Notification.AccountID, c.Notification.Channel, c.Code.Sealed)
		if err != nil {
			return notify.Message{}, err
		}
		c.Code.Text = text
	}
	if c.Notification.Kind == registration.AlreadyRegistered && c.Username == "" {
		return notify.Message{}, &notify.WithheldError{Reason: "NO_ACCOUNT"}
	}
	return o.next.Render(c)
}
