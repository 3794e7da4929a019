package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"registrar/internal/registration"
)

// The actions beside those of package registration.
const (
	Import        registration.Action = "IMPORT" // of people, by an operator
	Export        registration.Action = "EXPORT" // of what is held of a person
	Erase         registration.Action = "ERASE"  // of a person
	Blank         registration.Action = "BLANK"  // of external ids in this log, by an erasure
	Prune         registration.Action = "PRUNE"  // of this log
	CallerAdd     registration.Action = "CALLER_ADD"
	CallerChange  registration.Action = "CALLER_CHANGE"
	CallerDisable registration.Action = "CALLER_DISABLE"
	CallerEnable  registration.Action = "CALLER_ENABLE"
	CallerRotate  registration.Action = "CALLER_ROTATE"
)

// Actions are all that there are.
func Actions() []registration.Action {
	return []registration.Action{
		registration.AuditRegister, registration.AuditVerifyContact, Import, Export, Erase, Blank, Prune, CallerAdd, CallerChange, CallerDisable, CallerEnable, CallerRotate,
	}
}

// Entry is what the log keeps of a call.
type Entry = registration.AuditEntry

// Record is an entry as it is written.
type Record struct {
	Entry
	// Salt and Digest stand for the external id in what is hashed; empty where
	// there is none. Once the external id is erased, Salt is gone with it.
	Salt, Digest []byte
	Writer       registration.ID // the process that wrote it
	Number       int64           // from 1, by the writer
	MAC          []byte          // empty where the writer has no key
}

// Erased says whether the external id was erased.
func (r Record) Erased() bool { return r.ExternalID == "" && len(r.Digest) > 0 }

// digest stands for an external id under a salt.
func digest(salt []byte, externalID string) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write([]byte(externalID))
	return h.Sum(nil)
}

const (
	recordDomain = "registrar audit record v1"
	entryDomain  = "registrar audit entry v1"
)

// content appends the encoding of all but the place in the chain and the MAC.
func (r Record) content(b []byte) []byte {
	b = appendID(b, r.ID)
	b = appendInt(b, micros(r.At))
	for _, text := range []string{string(r.Action), r.Outcome, r.Caller} {
		b = appendField(b, text)
	}
	b = appendID(b, r.AccountID)
	b = appendField(b, r.Digest)
	for _, text := range []string{r.CorrelationID, r.TraceParent, r.Detail} {
		b = appendField(b, text)
	}
	b = appendID(b, r.Writer)
	return appendInt(b, r.Number)
}

// mac is what the holder of the key says of the record.
func (r Record) mac(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(r.content(appendField(nil, recordDomain)))
	return h.Sum(nil)
}

func appendField[T ~string | ~[]byte](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(field))), field...)
}

func appendID(b []byte, id registration.ID) []byte {
	if id.IsZero() {
		return appendField(b, "")
	}
	return appendField(b, id[:])
}

func appendInt(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint64(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n)) // two's complement
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
