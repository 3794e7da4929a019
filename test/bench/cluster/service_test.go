package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"registrar/internal/address"
	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/verification"
)

// readyMade is a hash that was made before, so that everything else is measured.
type readyMade string

func (r readyMade) Hash(context.Context, string) (string, error)         { return string(r), nil }
func (r readyMade) Verify(context.Context, string, string) (bool, error) { return true, nil }

const preparedHash = readyMade("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

// unannounced leaves what was committed in the outbox: sending is not measured.
type unannounced struct{}

func (unannounced) Announce([]registration.Notification) {}

func newID() (registration.ID, error) {
	id, err := uuid.NewV7()
	return registration.ID(id), err
}

// newService is the domain as an application server has it, on ready-made hashes.
func newService(db *store.DB) (*registration.Service, error) {
	c := config.Default()
	policy, err := password.NewPolicy(c.Password.MinLength, password.DefaultArgon2id)
	if err != nil {
		return nil, err
	}
	keys, err := verification.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		return nil, err
	}
	return &registration.Service{
		Rules: registration.Rules{
			DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{Region: c.DefaultRegion}.Parse,
			CheckPassword: policy.Check, DefaultLocale: c.DefaultLocale,
		},
		Store: db.Accounts(), Hasher: preparedHash, Announcer: unannounced{}, Codes: keys,
		CodeRules: registration.CodeRules{Life: c.Codes.Life, Attempts: c.Codes.Attempts, Cooldown: c.Codes.Cooldown, DailyCap: c.Codes.DailyCap},
		NewID:     newID, Now: time.Now, NotificationLife: c.Registration.NotificationLife, RecordEvents: true,
	}, nil
}

// people makes the requests of a run: each person has an e-mail address and a
// number of its own, and so gets two codes.
func people(run int) func(i int) registration.Request {
	return func(i int) registration.Request {
		name := fmt.Sprintf("run%d-%d", run, i)
		return registration.Request{
			RequestID: name, Username: name, Email: name + "@example.com", Password: "velvet-anchor-tuesday",
			FirstName: "Noor", LastName: "Haddad", MobileNumber: fmt.Sprintf("+96651%07d", (100_000*run+i)%10_000_000), Locale: "en",
			TraceParent: traceParent,
		}
	}
}

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
