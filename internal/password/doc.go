// Package password makes and verifies password hashes with bounded concurrency
// and memory, and says which passwords are acceptable.
//
// To be relied on: a hash is in PHC string form (argon2id) or modular crypt
// form (bcrypt) and can be verified by any other implementation, given the
// password as prepare makes it; hashes that other systems made are verified too,
// those of bcrypt and Argon2 here and the rest by package legacy; what a stored
// hash may cost to verify is bounded, so that a hostile one burns neither a core
// nor the memory; Decoys make a login that nobody has cost what the others do; a
// Pool never runs more hashes at once than it was told, and never keeps more
// callers waiting.
//
// Not to be relied on: that a hash which has begun can be interrupted. A
// caller who gives up meanwhile is answered when the hash is done.
//
// # Unicode
//
// Before a password is hashed or verified its spaces outside ASCII become
// U+0020 and it is brought to Normalization Form C: the preparation of RFC 8265
// section 4.2.2 (OpaqueString) without its repertoire. So a password typed on
// a keyboard that composes its letters is the one typed on a keyboard that does
// not. NIST SP 800-63B section 3.1.1.2 asks for such a normalization. NFKC is
// not used since it makes different passwords equal. Nothing else is changed
// and no character is refused: neither case, nor leading nor trailing spaces.
//
// Other systems hashed what was typed as it was, so Verify takes a password in
// both forms. They are one for ASCII; where they are two, a wrong password costs
// two computations, whoever's hash it is.
//
// # bcrypt
//
// $2a$, $2b$ and $2y$ are verified alike. No hash is made of a password of more
// than 72 octets, but PHP and others have made them of its first 72, and so it
// is verified by these. A NUL ends no password. $2x$ marks passwords whose 8-bit
// characters were taken wrongly, and $2$ those without a NUL at their end:
// neither is verified. WordPress's $wp$2y$, since 6.8, is bcrypt of an HMAC of the
// password, and is verified as such.
package password
