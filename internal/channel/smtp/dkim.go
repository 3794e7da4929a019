package smtp

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	gomail "github.com/wneessen/go-mail"
)

// DKIM signs what is sent (RFC 6376), relaxed in header and body. Without keys
// nothing is signed. With two keys each message has two signatures: one by
// Ed25519 (RFC 8463) is short and cheap, but not every receiver knows it.
type DKIM struct {
	Domain string // that answers for the mail, d=; default the domain of From
	Keys   []DKIMKey
}

// DKIMKey is a private key and where its public half is published.
type DKIMKey struct {
	Selector string // s=; the record is at Selector._domainkey.Domain
	// File holds the key in PEM form, PKCS #8 or PKCS #1: RSA of 2,048 bits or
	// more, or Ed25519.
	File string
}

// rsaBits is the least of RFC 8301 section 3.2.
const rsaBits = 2048

// signedFields are covered in every message. Those that stand twice must not be
// added to it afterwards (RFC 6376 section 8.15); a field that a message lacks
// must not either. List-Unsubscribe and its companion have to be covered
// (RFC 8058 section 4).
var signedFields = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "Auto-Submitted",
}

// signer is a DKIM that is ready for use.
type signer []dkim.SignOptions

// signer reads the keys.
func (d DKIM) signer(fromDomain string) (signer, error) {
	var signers signer
	for _, k := range d.Keys {
		key, err := readKey(k.File)
		if err != nil {
			return nil, err
		}
		if k.Selector == "" || strings.ContainsAny(k.Selector, " ;:=\r\n\t") {
			return nil, fmt.Errorf("smtp: dkim: %q is no selector for the key in %s", k.Selector, k.File)
		}
		if slices.ContainsFunc(signers, func(o dkim.SignOptions) bool { return o.Selector == k.Selector }) {
			return nil, fmt.Errorf("smtp: dkim: the selector %s is given twice", k.Selector)
		}
		signers = append(signers, dkim.SignOptions{
			Domain: or(d.Domain, fromDomain), Selector: k.Selector, Signer: key,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		})
	}
	return signers, nil
}

func readKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("smtp: dkim: the key: %w", err)
	}
	key, err := gomail.PrivKeyFromPEM(text)
	if err != nil {
		return nil, fmt.Errorf("smtp: dkim: %s holds no private key of RSA or Ed25519 in PEM form", file)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < rsaBits {
			return nil, fmt.Errorf("smtp: dkim: the RSA key in %s has %d bits; %d are the least", file, k.N.BitLen(), rsaBits)
		}
	case ed25519.PrivateKey:
	default:
		return nil, fmt.Errorf("smtp: dkim: the key in %s is neither RSA nor Ed25519", file)
	}
	return key, nil
}

var errSign = errors.New("smtp: dkim: the message cannot be signed")

// appendSignatures adds a DKIM-Signature field for each key.
func (s signer) appendSignatures(b, message []byte, fields []string) ([]byte, error) {
	for _, options := range s {
		options.HeaderKeys = fields
		signature, err := dkim.NewSigner(&options)
		if err != nil {
			return nil, errSign
		}
		_, written := signature.Write(message)
		if err := signature.Close(); err != nil || written != nil {
			return nil, errSign
		}
		b = append(b, signature.Signature()...)
	}
	return b, nil
}
