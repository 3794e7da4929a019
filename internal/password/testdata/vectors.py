# Makes vectors.py.jsonl: python3 vectors.py > vectors.py.jsonl
# A line is a password and its hash as passlib makes it, of each of its handlers.
import json

from passlib import hash

passwords = [
    "correct horse battery staple",
    "كلمة سر طويلة",
    "pa\u0308ssword, decomposed",
    "no-break\u00a0space",
    "a long one, " * 30,
    "",
]
handlers = [
    ("scrypt", hash.scrypt.using(rounds=6, block_size=4, parallelism=3)),
    ("scrypt, another", hash.scrypt.using(rounds=10)),
    ("pbkdf2_sha1", hash.pbkdf2_sha1.using(rounds=1311)),
    ("pbkdf2_sha256", hash.pbkdf2_sha256.using(rounds=1290)),
    ("pbkdf2_sha512", hash.pbkdf2_sha512.using(rounds=1250, salt_size=24)),
    ("django_pbkdf2_sha1", hash.django_pbkdf2_sha1.using(rounds=1600)),
    ("django_pbkdf2_sha256", hash.django_pbkdf2_sha256.using(rounds=1600)),
    ("sha256_crypt", hash.sha256_crypt.using(rounds=1535)),
    ("sha512_crypt", hash.sha512_crypt.using(rounds=1656)),
    ("sha512_crypt, 5000 rounds", hash.sha512_crypt.using(rounds=5000)),
    ("md5_crypt", hash.md5_crypt),
    ("phpass", hash.phpass.using(rounds=9)),
    ("phpass $H$", hash.phpass.using(rounds=11, ident="H")),
    ("ldap_md5", hash.ldap_md5),
    ("ldap_sha1", hash.ldap_sha1),
    ("ldap_salted_md5", hash.ldap_salted_md5),
    ("ldap_salted_sha1", hash.ldap_salted_sha1),
    ("ldap_salted_sha256", hash.ldap_salted_sha256),
    ("ldap_salted_sha512", hash.ldap_salted_sha512.using(salt_size=16)),
    ("argon2 i", hash.argon2.using(type="I", rounds=2, memory_cost=64, parallelism=2)),
    ("argon2 id", hash.argon2.using(type="ID", rounds=2, memory_cost=64, parallelism=4)),
]
for password in passwords:
    for what, handler in handlers:
        print(json.dumps({"what": what, "password": password, "hash": handler.hash(password)}, ensure_ascii=False))
for what in ["scrypt", "pbkdf2_sha1", "pbkdf2_sha256", "pbkdf2_sha512", "django_pbkdf2_sha256", "sha256_crypt", "sha512_crypt", "phpass"]:
    print(json.dumps({"what": what + ", the default", "password": "secret", "hash": getattr(hash, what).hash("secret")}))
