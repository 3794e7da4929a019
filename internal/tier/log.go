package tier

import (
	"io"
	"log/slog"

	"google.golang.org/grpc/grpclog"
)

// LogTo has gRPC tell its own errors to log, and not to standard error in a form
// of its own. It is for the start of a process, before any Client or Server.
func LogTo(log *slog.Logger) {
	told := slog.NewLogLogger(log.Handler(), slog.LevelWarn).Writer()
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, told))
}
