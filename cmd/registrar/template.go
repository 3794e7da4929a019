package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/config"
	"registrar/internal/notify/template"
	"registrar/internal/notify/template/preview"
	"registrar/internal/registration"
)

func templateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "template",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Check the texts of messages, and look at them",
		Long: `The texts of messages are built in, in English and Arabic. A directory of your own
(templates_dir) goes over them file by file, and adds locales and campaigns:

  v1/verification_code/LOCALE/        subject.txt text.txt html.html sms.txt
  v1/registration_completed/LOCALE/   the same
  v1/campaigns/NAME/LOCALE/           the three of the e-mail, or sms.txt, or all

They are Go templates. What they may name: .Brand .Contact .Name .FirstName
.LastName .Username; of a code .Code .ValidMinutes .Domain; of a campaign
.Unsubscribe. Functions: isolate NAME (keeps its direction to itself), code .Code
(the same for a code in plain text), short N NAME, and
plural .ValidMinutes "one" "%d minute" "other" "%d minutes".

Brand, default locale and sms.code_domain are those of the configuration.`,
		Example: `  registrar template check --templates-dir ./templates
  registrar template preview --templates-dir ./templates   # edit, and reload the page
  registrar template preview --out ./review                # as files`,
	}
	cmd.AddCommand(checkTemplatesCommand(), previewTemplatesCommand())
	return cmd
}

// templateFlags choose the texts.
type templateFlags struct{ dir string }

func (f *templateFlags) add(fs *pflag.FlagSet) {
	fs.String("config", "", "configuration `file` in YAML")
	fs.StringVar(&f.dir, "templates-dir", "", "`directory` of templates, instead of the configuration's templates_dir")
}

// options reads the configuration. Only the flag --config is its: another
// command's --listen is not the service's.
func (f *templateFlags) options(cmd *cobra.Command) (template.Options, config.Config, error) {
	own := pflag.NewFlagSet("config", pflag.ContinueOnError)
	own.AddFlag(cmd.Flags().Lookup("config"))
	c, err := config.Load(own, os.Environ())
	if err != nil {
		return template.Options{}, c, err
	}
	if cmd.Flags().Changed("templates-dir") {
		c.TemplatesDir = f.dir
	}
	return templateOptions(c), c, nil
}

func checkTemplatesCommand() *cobra.Command {
	var flags templateFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell every problem of the templates; exit 1 when there is one",
		Long: `Renders every template with made-up people, as registrar serve does when it
starts, and tells all that is wrong with the files' names: what is missing or
cannot be rendered, a code that takes more than one SMS, links that are not https,
mails that load something from elsewhere, and more. Without problems it lists
what there is. SMS counts segments over all made-up people.`,
		Example: `  registrar template check
  registrar template check --templates-dir ./templates --json | jq -r '.[] | select(.sms.segments > 1) | .template'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, _, err := flags.options(cmd)
			if err != nil {
				return err
			}
			catalog, err := template.Load(options)
			if err != nil {
				return templateProblems(err)
			}
			rows, err := templateRows(catalog)
			switch {
			case err != nil:
				return err
			case asJSON:
				return writeJSON(cmd.OutOrStdout(), rows)
			default:
				return listTemplates(cmd.OutOrStdout(), rows)
			}
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// templateProblems puts each problem on its line.
func templateProblems(err error) error {
	lines := strings.Split(strings.ReplaceAll(err.Error(), "template: ", ""), "\n")
	return fmt.Errorf("the templates have problems:\n  %s", strings.Join(lines, "\n  "))
}

// templateRow is one template in one locale.
type templateRow struct {
	Template string        `json:"template"`
	Locale   string        `json:"locale"`
	Email    *templateMail `json:"email,omitempty"`
	SMS      *templateSMS  `json:"sms,omitempty"`
}

type templateMail struct {
	Subject string `json:"subject"`
	Bytes   int    `json:"html_bytes"`
}

type templateSMS struct {
	Segments int    `json:"segments"`
	Units    int    `json:"units"`
	Encoding string `json:"encoding"`
}

// templateRows tell of each template what it takes at most.
func templateRows(catalog *template.Catalog) (rows []templateRow, err error) {
	for i, person := range template.Persons() {
		all, err := catalog.Specimens(person)
		if err != nil {
			return nil, err
		}
		at := -1
		for _, s := range all {
			if at < 0 || rows[at].Template != s.Name() || rows[at].Locale != s.Locale {
				if at++; i == 0 {
					rows = append(rows, templateRow{Template: s.Name(), Locale: s.Locale})
				}
			}
			switch row := &rows[at]; {
			case s.Channel == registration.EmailChannel && row.Email == nil:
				row.Email = &templateMail{Subject: s.Message.Subject, Bytes: len(s.Message.HTML)}
			case s.Channel == registration.EmailChannel:
				row.Email.Bytes = max(row.Email.Bytes, len(s.Message.HTML))
			case row.SMS == nil || s.Size.Segments > row.SMS.Segments || s.Size.Segments == row.SMS.Segments && s.Size.Units > row.SMS.Units:
				row.SMS = &templateSMS{Segments: s.Size.Segments, Units: s.Size.Units, Encoding: string(s.Size.Encoding)}
			}
		}
	}
	return rows, nil
}

func listTemplates(w io.Writer, rows []templateRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TEMPLATE\tLOCALE\tHTML\tSMS\tENCODING")
	for _, r := range rows {
		html, sms, encoding := "-", "-", "-"
		if r.Email != nil {
			html = fmt.Sprintf("%.1f KB", float64(r.Email.Bytes)/1000)
		}
		if r.SMS != nil {
			sms, encoding = fmt.Sprint(r.SMS.Segments), fmt.Sprintf("%s, %d", r.SMS.Encoding, r.SMS.Units)
		}
		fmt.Fprintln(table, strings.Join([]string{r.Template, r.Locale, html, sms, encoding}, "\t"))
	}
	return table.Flush()
}

func previewTemplatesCommand() *cobra.Command {
	var flags templateFlags
	var address, out string
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show every template as people would get it",
		Long: `Serves a page that shows every template in each locale: the e-mail at the width of
a desktop and of a telephone, light and dark, its text part, and the SMS with
what it takes. The people are made up. A reload of the page reads the files anew,
and shows what is wrong with them. It ends at Ctrl-C.

With --out it writes the same pages into a directory and ends.`,
		Example: `  registrar template preview --templates-dir ./templates
  registrar template preview --out ./review && xdg-open ./review/index.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, c, err := flags.options(cmd)
			if err != nil {
				return err
			}
			if out != "" {
				return writePreview(cmd.OutOrStdout(), out, options)
			}
			handler := preview.NewHandler(func() (*template.Catalog, error) { return template.Load(options) })
			return servePreview(cmd.Context(), cmd.OutOrStdout(), address, onlyHosts(c.Hosts, handler))
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:0", "`host:port` of the page; port 0 takes a free one")
	cmd.Flags().StringVar(&out, "out", "", "`directory` to write the pages into, instead of serving them")
	cmd.MarkFlagsMutuallyExclusive("listen", "out")
	return cmd
}

func writePreview(w io.Writer, dir string, options template.Options) error {
	catalog, err := template.Load(options)
	if err != nil {
		return templateProblems(err)
	}
	n, err := preview.Write(dir, catalog)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d files are in %s; open index.html.\n", n, absolute(dir))
	return nil
}

// servePreview serves until ctx ends.
func servePreview(ctx context.Context, w io.Writer, address string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address by --listen", err)
	}
	server := &http.Server{Handler: handler, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, IdleTimeout: adminTimeout}
	fmt.Fprintf(w, "The templates are at %s/ until Ctrl-C.\n", baseURL("http", listener))
	return serveHTTP(ctx, server, listener, time.Second)
}
