// Package legacy reads the password hashes that other systems made, so that
// people whose accounts come from there keep their passwords. It makes no hash
// of a password: see package password for those of today.
//
// To be relied on: what Parse takes is well-formed and within the bounds of
// this package, so that no text makes Matches run for more than about a second
// of one core or take more than 128 MiB; each bound is a constant with its
// reason. Errors are ErrHash with a reason that names what is wrong and
// never holds the hash or a part of it.
//
// Not to be relied on: that these hashes protect a password. A plain MD5 is
// broken by a table. They are to be replaced at the first login.
//
// # Formats
//
//	$scrypt$ln=16,r=8,p=1$SALT$TAG      scrypt, RFC 7914; base64 (passlib, go-crypt)
//	$pbkdf2$131000$SALT$TAG             PBKDF2-HMAC-SHA1; base64 with "." for "+" (passlib)
//	$pbkdf2-sha1$, $pbkdf2-sha256$,     the same with HMAC-SHA1, HMAC-SHA256
//	$pbkdf2-sha512$                     and HMAC-SHA512 (passlib, go-crypt)
//	pbkdf2_sha1$600000$SALT$TAG,        PBKDF2; the salt is text, the tag padded base64
//	pbkdf2_sha256$, pbkdf2_sha512$      (Django)
//	$5$rounds=535000$SALT$TAG           SHA256-crypt; without rounds 5000 (crypt(3), PHP)
//	$6$rounds=656000$SALT$TAG           SHA512-crypt, likewise
//	$1$SALT$TAG                         MD5-crypt (crypt(3), PHP)
//	$P$BSALTTAG, $H$9SALTTAG            phpass's portable hashes (WordPress to 6.7, phpBB)
//	{MD5}, {SHA}, {SHA256}, {SHA512}    plain digests of RFC 2307 and its successors:
//	                                    padded base64; the scheme in any case
//	{SMD5}, {SSHA}, {SSHA256},          salted ones: base64 of the digest, then the
//	{SSHA512}                           salt; the salt is hashed after the password
//	$digest$ALGORITHM$ORDER$SALT$HEX    a form of our own, below
//
// # Digests from columns
//
// Systems that keep a digest in hexadecimal keep neither the algorithm nor
// the place of the salt with it. Digest composes a text that does:
//
//	$digest$sha1$suffix$c2FsdA$59b3e8d637cf97edbe2384cf59cb7453dfe30789
//
// ALGORITHM is md5, sha1, sha256 or sha512. ORDER says what was hashed: plain
// is the password alone, prefix the salt and then the password, suffix the
// password and then the salt. SALT is base64 (RFC 4648 section 4) without
// padding of the salt's octets, empty with plain and with nothing else. HEX is
// the digest in lower-case hexadecimal.
//
// # Passwords
//
// A password is compared octet for octet, as it is given. It does not end at
// a NUL, as it does for C programs. One of more than MaxPassword octets
// matches nothing, and where longer passwords cost more, neither does one that
// the hash's rounds make too costly: see MaxStretch.
package legacy
