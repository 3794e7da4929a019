package event_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"registrar/internal/event"
	"registrar/internal/registration"
	"registrar/schema/events"
)

func schemaOf(t testing.TB, eventType string) *jsonschema.Schema {
	t.Helper()
	text, err := events.Schema(eventType)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(event.SchemaOf(eventType), parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(event.SchemaOf(eventType))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func parsed(t testing.TB, text []byte) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

var account = registration.ID{0x01, 0x99, 0x1c, 0x0e, 0x3d, 0x5a, 0x7c, 0x11, 0x8a, 0x42, 0x5f, 0x0d, 0x1e, 0x2c, 0x3b, 0x4a}

// happened is every type, each with all that it may tell.
func happened() []registration.Event {
	at := time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC)
	of := func(n byte, what registration.EventType) registration.Event {
		id := account
		id[15] = n
		return registration.Event{
			ID: id, Type: what, AccountID: account, At: at, Caller: "portal", ExternalID: "crm-1042",
			TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		}
	}
	created, verified := of(1, registration.EventRegistrationCreated), of(2, registration.EventContactVerified)
	completed, refused := of(3, registration.EventRegistrationCompleted), of(4, registration.EventRegistrationRefused)
	created.Status, verified.Channel, completed.Status = registration.PendingVerification, registration.EmailChannel, registration.Active
	refused.AccountID, refused.Refusal = registration.ID{}, registration.EmailTaken
	return []registration.Event{created, verified, completed, refused, of(5, registration.EventRegistrationErased)}
}

// TestEveryEventIsValid by the schema of its type, with all that it may tell
// and with as little as there may be; and the schema describes every member.
func TestEveryEventIsValid(t *testing.T) {
	t.Parallel()
	var types []string
	for _, full := range happened() {
		least := full
		least.Caller, least.ExternalID, least.TraceParent = "", "", ""
		for _, e := range []registration.Event{full, least} {
			published, err := event.Of(e)
			if err != nil {
				t.Fatal(err)
			}
			data := parsed(t, published.Data)
			if err := schemaOf(t, published.Type).Validate(data); err != nil {
				t.Errorf("%s %s: %v", published.Type, published.Data, err)
			}
			text, _ := events.Schema(published.Type)
			described := parsed(t, text)["properties"].(map[string]any)
			for member := range data {
				if described[member] == nil {
					t.Errorf("%s: nothing describes %s", published.Type, member)
				}
			}
			types = append(types, published.Type)
		}
	}
	slices.Sort(types)
	if types = slices.Compact(types); !slices.Equal(types, events.Types()) {
		t.Errorf("published are %v, described are %v", types, events.Types())
	}
}

// TestTheSchemasRefuse what no event may be.
func TestTheSchemasRefuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		eventType, member string
		value             any // nil takes the member away
	}{
		{"registrar.registration.created.v1", "registrationId", nil},
		{"registrar.registration.created.v1", "registrationId", "1"},
		{"registrar.registration.created.v1", "status", "MAYBE"},
		{"registrar.registration.created.v1", "externalId", ""},
		{"registrar.registration.completed.v1", "status", "PENDING_VERIFICATION"},
		{"registrar.registration.completed.v1", "caller", strings.Repeat("x", 65)},
		{"registrar.contact.verified.v1", "channel", nil},
		{"registrar.contact.verified.v1", "channel", "PIGEON"},
		{"registrar.registration.refused.v1", "code", nil},
		{"registrar.registration.refused.v1", "code", "someone@example.org"},
	} {
		for _, e := range happened() {
			published, err := event.Of(e)
			if err != nil {
				t.Fatal(err)
			}
			if published.Type != tt.eventType {
				continue
			}
			data := parsed(t, published.Data)
			if data[tt.member] = tt.value; tt.value == nil {
				delete(data, tt.member)
			}
			if schemaOf(t, tt.eventType).Validate(data) == nil {
				t.Errorf("%s takes %v for its %s", tt.eventType, tt.value, tt.member)
			}
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, e := range happened() {
		published, err := event.Of(e)
		if err != nil {
			t.Fatal(err)
		}
		want := account.String()
		if e.Type == registration.EventRegistrationRefused {
			want = e.ID.String()
		}
		if published.Key() != want {
			t.Errorf("the key of %s is %s, want %s", published.Type, published.Key(), want)
		}
	}
}

func TestUnknownType(t *testing.T) {
	t.Parallel()
	if _, err := event.Of(registration.Event{Type: "registration.imagined"}); err == nil {
		t.Error("an unknown type is published")
	}
}

// TestTheDocumentsExamples are what is published: of each type, in its order.
func TestTheDocumentsExamples(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range happened() {
		published, err := event.Of(e)
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		if err := json.Indent(&data, published.Data, "", "  "); err != nil {
			t.Fatal(err)
		}
		example := fmt.Sprintf("### %s\n", published.Type)
		_, section, found := strings.Cut(string(document), example)
		if !found {
			t.Errorf("there is no section %s", published.Type)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		if want := "```json\n" + data.String() + "\n```"; !strings.Contains(section, want) {
			t.Errorf("the section of %s does not show\n%s", published.Type, want)
		}
	}
}
