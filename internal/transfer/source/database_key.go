package source

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"registrar/internal/transfer"
)

// keyKind is how a key is compared: a number as a number, so that the index is used,
// and a text in the column's own collation.
type keyKind byte

const (
	numberKey keyKind = 'n'
	textKey   keyKind = 't'
	octetsKey keyKind = 'o'
)

func kindOf(t *sql.ColumnType) (keyKind, error) {
	switch name := strings.TrimPrefix(t.DatabaseTypeName(), "UNSIGNED "); name {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT":
		return numberKey, nil
	case "CHAR", "VARCHAR", "ENUM":
		return textKey, nil
	case "BINARY", "VARBINARY":
		return octetsKey, nil
	default:
		return 0, fmt.Errorf("source: the key %s is of the type %s: it must be a whole number, a CHAR or a BINARY", t.Name(), name)
	}
}

// position writes a key down.
func (k keyKind) position(key string) transfer.Position {
	if k != numberKey {
		key = base64.RawURLEncoding.EncodeToString([]byte(key))
	}
	return transfer.Position(string(k) + ":" + key)
}

// parameter is a key as a statement's parameter.
func (k keyKind) parameter(key string) (any, error) {
	switch k {
	case octetsKey:
		return []byte(key), nil
	case textKey:
		return key, nil
	default:
		if n, err := strconv.ParseInt(key, 10, 64); err == nil {
			return n, nil
		}
		n, err := strconv.ParseUint(key, 10, 64)
		if err != nil {
			return nil, errPosition
		}
		return n, nil
	}
}

// keyOf reads what position has written; nil is the beginning.
func keyOf(at transfer.Position) (any, error) {
	if at == "" {
		return nil, nil //nolint:nilnil // no key
	}
	kind, key, found := strings.Cut(string(at), ":")
	if !found || len(kind) != 1 || !slices.Contains([]keyKind{numberKey, textKey, octetsKey}, keyKind(kind[0])) {
		return nil, errPosition
	}
	if k := keyKind(kind[0]); k != numberKey {
		octets, err := base64.RawURLEncoding.DecodeString(key)
		if err != nil {
			return nil, errPosition
		}
		key = string(octets)
	}
	return keyKind(kind[0]).parameter(key)
}
