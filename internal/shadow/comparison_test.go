package shadow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/shadow"
)

// kept is a Store in a map.
type kept struct {
	shadow.Store
	all     []shadow.Comparison
	failing error
}

func (k *kept) Add(_ context.Context, c shadow.Comparison) (bool, error) {
	if k.failing != nil {
		return false, k.failing
	}
	if slices.ContainsFunc(k.all, func(o shadow.Comparison) bool { return o.ID == c.ID }) {
		return false, nil
	}
	k.all = append(k.all, c)
	return true, nil
}

func TestRecorder(t *testing.T) {
	store, counted, log := &kept{}, []string{}, &strings.Builder{}
	r := shadow.Recorder{
		Store: store, Log: slog.New(slog.NewTextHandler(log, nil)),
		Compared: func(caller, ours, theirs string) {
			counted = append(counted, fmt.Sprint(caller, " ", ours, " ", theirs))
		},
	}
	c := registration.Comparison{
		ID: registration.ID{1}, At: time.Unix(1, 0), Caller: "mono", RequestID: "r", ExternalID: "x", Ours: "VALIDATION_FAILED", Theirs: "WHATEVER",
		Refused: []registration.FieldError{{Field: "email", Rule: "FORMAT", Message: "is not one"}, {Field: "firstName", Rule: "MAX_LENGTH"}},
	}
	r.Compare(t.Context(), c)
	r.Compare(t.Context(), c)
	want := shadow.Comparison{
		ID: c.ID, At: c.At, Caller: "mono", RequestID: "r", ExternalID: "x", Ours: "VALIDATION_FAILED", Theirs: "WHATEVER", Refused: []string{"email:FORMAT", "firstName:MAX_LENGTH"},
	}
	if len(store.all) != 1 || !reflect.DeepEqual(store.all[0], want) || !slices.Equal(counted, []string{"mono VALIDATION_FAILED OTHER"}) {
		t.Errorf("kept %+v, counted %q", store.all, counted)
	}
	// However many elements were broken, it fits.
	c.ID, c.Theirs, c.Refused = registration.ID{2}, "", slices.Repeat(c.Refused, 1000)
	r.Compare(t.Context(), c)
	if text := strings.Join(store.all[1].Refused, ","); len(text) > 2048 || len(text) < 2000 || counted[1] != "mono VALIDATION_FAILED NONE" {
		t.Errorf("kept %d octets, counted %q", len(text), counted)
	}
	store.failing = errors.New("no database")
	r.Compare(t.Context(), c)
	if len(counted) != 2 || !strings.Contains(log.String(), "lost") || !strings.Contains(log.String(), "no database") {
		t.Errorf("counted %q, logged %s", counted, log)
	}
}

func TestSummary(t *testing.T) {
	s := shadow.Summarize([]shadow.Tally{
		{Caller: "a", Ours: "EMAIL_TAKEN", Theirs: "REGISTERED", N: 2}, {Caller: "a", Ours: "REGISTERED", Theirs: "", N: 4},
		{Caller: "a", Ours: "REGISTERED", Theirs: "REGISTERED", N: 90}, {Caller: "b", Ours: "REGISTERED", Theirs: "REGISTERED", N: 3},
		{Caller: "b", Ours: "EMAIL_TAKEN", Theirs: "EMAIL_TAKEN", N: 1},
	})
	if want := []string{"REGISTERED", "EMAIL_TAKEN"}; !slices.Equal(s.Ours, want) {
		t.Errorf("rows %q", s.Ours)
	}
	if want := []string{"REGISTERED", "EMAIL_TAKEN", ""}; !slices.Equal(s.Theirs, want) {
		t.Errorf("columns %q", s.Theirs)
	}
	if s.Total != 100 || s.Told != 96 || s.Agreeing != 94 || s.Count("REGISTERED", "REGISTERED") != 93 || s.Count("REGISTERED", "EMAIL_TAKEN") != 0 {
		t.Errorf("%+v", s)
	}
	if none := shadow.Summarize(nil); none.Total != 0 || len(none.Ours) != 0 {
		t.Errorf("%+v", none)
	}
}
