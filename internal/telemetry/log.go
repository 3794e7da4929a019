package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger writes to w in format "text" or "json", from level on ("debug",
// "info", "warn", "error"), with the correlation id where the context has one.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("telemetry: log level: %w", err)
	}
	options := &slog.HandlerOptions{Level: l}
	var h slog.Handler
	switch format {
	case "json":
		h = slog.NewJSONHandler(w, options)
	case "text":
		h = slog.NewTextHandler(w, options)
	default:
		return nil, fmt.Errorf("telemetry: log format %q is neither text nor json", format)
	}
	return slog.New(correlatingHandler{h}), nil
}
