package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
)

// healthAnswer is the most that is read of an answer of /readyz, in octets.
const healthAnswer = 64 << 10

func healthCommand() *cobra.Command {
	var admin string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running process whether it is ready; exit 1 when it is not",
		Long: `Asks /readyz of the process whose admin_listen is at --admin. It exits with 0 when that
process is ready, and else with 1 and what it lacks. It is for places without curl,
such as a container's health check: the image has no shell either.`,
		Example: `  registrar health
  registrar health --admin 127.0.0.1:8083 --timeout 1s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			if err := askReady(ctx, admin); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return nil
		},
	}
	cmd.Flags().StringVar(&admin, "admin", config.Default().AdminListen, "`host:port` of the process's health pages, its admin_listen")
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "for the answer")
	return cmd
}

// askReady gives nil when the process at admin is ready.
func askReady(ctx context.Context, admin string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("%s is no host:port; give the process's admin_listen by --admin", admin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w; is --admin the process's admin_listen?", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, healthAnswer))
	if err != nil {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return errors.New("not ready: " + lacks(body, resp.Status))
}

// lacks says what the answer of /readyz tells, or otherwise what status it had.
func lacks(body []byte, status string) string {
	var report struct {
		Draining   bool
		Components map[string]struct {
			OK, Required bool
			Problem      string
		}
	}
	if json.Unmarshal(body, &report) != nil {
		return status
	}
	var lacking []string
	if report.Draining {
		lacking = append(lacking, "draining")
	}
	for _, name := range slices.Sorted(maps.Keys(report.Components)) {
		if c := report.Components[name]; c.Required && !c.OK {
			lacking = append(lacking, name+": "+c.Problem)
		}
	}
	if len(lacking) == 0 {
		return status
	}
	return strings.Join(lacking, "; ")
}
