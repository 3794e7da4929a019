package devstack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
)

// Take is Messages of what has come since the last Take: it removes what it gives
// from the server's disk, so that a long run can look again and again.
func (s *SMTP) Take() ([]*mail.Message, error) {
	dir := filepath.Join(s.maildir(), "new")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var taken []*mail.Message
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		m, err := readMessage(name)
		if err == nil {
			err = os.Remove(name)
		}
		if err != nil {
			return taken, err
		}
		taken = append(taken, m)
	}
	return taken, nil
}

// EventsFrom are the lines of the journal behind an offset in it, and the offset
// behind them: 0 the first time.
func (s *SMSC) EventsFrom(offset int64) (events []SMSCEvent, next int64, err error) {
	file, err := os.Open(s.file("journal.jsonl"))
	if err != nil {
		return nil, offset, err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, offset, err
	}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // a line that is being written is not there yet
			return events, offset, nil
		}
		if err != nil {
			return events, offset, err
		}
		var e SMSCEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return events, offset, fmt.Errorf("devstack: smsc: journal: %w", err)
		}
		events, offset = append(events, e), offset+int64(len(line))
	}
}
