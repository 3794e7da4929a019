package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"registrar/internal/lane"
	"registrar/internal/store"
)

// notificationView is a notification as it is shown.
type notificationView struct {
	ID            string    `json:"id"`
	Account       string    `json:"account"`
	Campaign      string    `json:"campaign,omitempty"`
	Kind          string    `json:"kind"`
	Channel       string    `json:"channel"`
	Lane          string    `json:"lane"`
	Recipient     string    `json:"recipient"` // masked
	Locale        string    `json:"locale"`
	State         string    `json:"state"`
	Reason        string    `json:"reason"`
	Provider      string    `json:"provider"`
	ProviderRef   string    `json:"provider_ref"`
	Attempts      int       `json:"attempts"`
	Unanswered    int       `json:"unanswered_attempts"`
	Owner         string    `json:"owner,omitempty"`
	LeaseUntil    time.Time `json:"lease_until,omitzero"`
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	Deadline      time.Time `json:"deadline"`
	TraceParent   string    `json:"trace_parent,omitempty"`

	// Of show alone.
	History      []attemptView     `json:"history,omitempty"`
	Outbox       *outboxView       `json:"outbox,omitempty"`
	Awaited      []awaitedView     `json:"receipts_awaited,omitempty"`
	Suppressions []suppressionView `json:"suppressions,omitempty"`
}

type attemptView struct {
	Number      int       `json:"attempt"`
	Owner       string    `json:"owner"`
	State       string    `json:"state"`
	Provider    string    `json:"provider"`
	ProviderRef string    `json:"provider_ref"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}

type outboxView struct {
	DueAt        time.Time `json:"due_at"`
	Publications int       `json:"publications"`
}

type awaitedView struct {
	Provider string    `json:"provider"`
	Ref      string    `json:"provider_ref"`
	Attempt  int       `json:"attempt"`
	Since    time.Time `json:"since"`
}

func viewOfNotification(h store.NotificationHistory) notificationView {
	n := h.Notification
	v := notificationView{
		ID: n.ID.String(), Account: n.AccountID.String(), Kind: string(n.Kind), Channel: string(n.Channel), Recipient: masked(n.Channel, n.Recipient),
		Locale: n.Locale, State: string(n.State), Reason: h.Reason, Provider: h.Provider, ProviderRef: h.ProviderRef, Attempts: n.Attempts, Unanswered: h.Ambiguous,
		Owner: h.Owner, LeaseUntil: h.LeaseUntil, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt, Deadline: n.Deadline, TraceParent: n.TraceParent,
		Suppressions: viewsOf(h.Suppressions),
	}
	if !n.CampaignID.IsZero() {
		v.Campaign = n.CampaignID.String()
	}
	if !n.State.Settled() {
		v.NextAttemptAt = h.NextAttemptAt
	}
	if h.Outbox != nil {
		v.Lane = string(h.Outbox.Lane)
		v.Outbox = &outboxView{h.Outbox.DueAt, h.Outbox.Publications}
	} else if l, err := lane.Of(n.Kind, n.Channel); err == nil {
		v.Lane = string(l)
	}
	for _, a := range h.Attempts {
		v.History = append(v.History, attemptView{a.Number, a.Owner, string(a.State), a.Provider, a.ProviderRef, a.Reason, a.UpdatedAt})
	}
	for _, a := range h.Awaited {
		v.Awaited = append(v.Awaited, awaitedView{a.Provider, a.Ref, a.Attempt, a.Since})
	}
	return v
}

func showNotification(w io.Writer, v notificationView) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	line("notification", v.ID)
	line("account", v.Account)
	line("campaign", v.Campaign)
	line("kind", v.Kind)
	line("lane", v.Lane)
	line("recipient", v.Recipient)
	line("locale", v.Locale)
	line("state", strings.TrimSpace(v.State+" "+printable(v.Reason)))
	line("provider", strings.TrimSpace(v.Provider+" "+printable(v.ProviderRef)))
	line("attempts", strconv.Itoa(v.Attempts))
	if v.Unanswered > 0 {
		line("without answer", strconv.Itoa(v.Unanswered))
	}
	line("made", at(v.CreatedAt))
	line("changed", at(v.UpdatedAt))
	line("deadline", at(v.Deadline))
	if v.Owner != "" {
		line("held", "by "+v.Owner+" until "+at(v.LeaseUntil))
	}
	line("next attempt", at(v.NextAttemptAt))
	if v.Outbox != nil {
		line("outbox", fmt.Sprintf("due %s, published %d times", at(v.Outbox.DueAt), v.Outbox.Publications))
	}
	for _, a := range v.Awaited {
		line("receipt awaited", fmt.Sprintf("%s %s since %s", a.Provider, printable(a.Ref), at(a.Since)))
	}
	for _, s := range v.Suppressions {
		line("suppressed", strings.TrimSpace(s.Reason+" "+printable(s.Detail))+" since "+at(s.Since))
	}
	line("trace", v.TraceParent)
	if err := table.Flush(); err != nil || len(v.History) == 0 {
		return err
	}
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nATTEMPT\tAT\tSTATE\tREASON\tPROVIDER\tPROVIDER'S ID\tNOTIFIER")
	for _, a := range v.History {
		fmt.Fprintln(table, strings.Join([]string{strconv.Itoa(a.Number), at(a.At), a.State, orNone(printable(a.Reason)), orNone(a.Provider), orNone(printable(a.ProviderRef)), orNone(a.Owner)}, "\t"))
	}
	return table.Flush()
}
