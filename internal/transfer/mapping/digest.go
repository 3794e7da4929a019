package mapping

import (
	"encoding/base64"
	"slices"
	"strings"

	"registrar/internal/password/legacy"
	"registrar/internal/transfer"
)

// unreadableDigest is a hash that no Environment can use: what is in the columns is
// not a digest.
const unreadableDigest = "$digest$"

// parseDigest reads how a password's hash is made of a digest in hexadecimal and of
// the salt beside it.
func parseDigest(n node) (columns []string, of func([]transfer.Value) value) {
	found := n.entries("algorithm", "order", "column", "salt")
	var algorithm, column, salt string
	order := string(legacy.Plain)
	if given, ok := found["algorithm"]; ok {
		algorithm, _ = given.one("md5", "sha1", "sha256", "sha512")
	}
	if given, ok := found["order"]; ok {
		order, _ = given.one(string(legacy.Plain), string(legacy.Prefix), string(legacy.Suffix))
	}
	if given, ok := found["column"]; ok {
		column, _ = given.text()
	}
	if given, ok := found["salt"]; ok {
		salt, _ = given.text()
	}
	switch {
	case found == nil:
	case found["algorithm"].Node == nil || found["column"].Node == nil:
		n.wrong("needs an algorithm and a column", "write {algorithm: sha1, column: password, salt: salt, order: suffix}")
	case (salt == "") != (order == string(legacy.Plain)):
		n.wrong("needs salt and order together", "order says where the salt was: prefix before the password, suffix behind it")
	}
	columns = []string{column}
	if salt != "" {
		columns = append(columns, salt)
	}
	return columns, func(row []transfer.Value) value {
		if slices.ContainsFunc(row, func(v transfer.Value) bool { return v.Null || v.Text == "" }) {
			return value{null: true}
		}
		var octets []byte
		if len(row) > 1 {
			octets = []byte(row[1].Text)
		}
		text, err := legacy.Digest(algorithm, legacy.Order(order), octets, row[0].Text)
		if err != nil {
			text = unreadableDigest
		}
		return value{text: text}
	}
}

// digestColumns gives the columns of which a field's digest is made, in their order.
func digestColumns(f field, hash string) ([]transfer.Value, bool) {
	parts := strings.Split(hash, "$") // "", digest, algorithm, order, salt, hexadecimal
	if len(parts) != 6 || parts[1] != "digest" {
		return nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	columns := []transfer.Value{{Text: parts[5]}, {Text: string(salt)}}[:len(f.columns)]
	return columns, err == nil && f.make(columns).text == hash
}
