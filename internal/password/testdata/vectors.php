<?php
// Makes vectors.php.jsonl: php vectors.php > vectors.php.jsonl
// A line is a password and its hash as PHP's password_hash and crypt make it.

$passwords = [
    'correct horse battery staple',
    'كلمة سر طويلة',
    "pa\u{0308}ssword, decomposed",
    "no-break\u{00a0}space",
    "tab\tand quotes \"'\\",
    str_repeat('abcdefgh', 10), // 80 octets: bcrypt cuts it
    str_repeat('é', 36) . 'x', // 73 octets
    str_repeat('é', 40), // cut between two letters
    str_repeat('x', 71) . 'é', // cut within a letter
];

function out(string $what, string $password, string $hash): void
{
    echo json_encode(['what' => $what, 'password' => $password, 'hash' => $hash], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
}

// salt is n characters of crypt(3)'s alphabet.
function salt(int $n): string
{
    return substr(strtr(base64_encode(random_bytes($n)), '+', '.'), 0, $n);
}

foreach ($passwords as $i => $p) {
    // Laravel's Hash::make is password_hash with these options and a cost of 10 or 12.
    out('password_hash bcrypt', $p, password_hash($p, PASSWORD_BCRYPT, ['cost' => 4 + $i % 3]));
    out('password_hash argon2i', $p, password_hash($p, PASSWORD_ARGON2I, ['memory_cost' => 1024, 'time_cost' => 2, 'threads' => 1]));
    out('password_hash argon2id', $p, password_hash($p, PASSWORD_ARGON2ID, ['memory_cost' => 1024, 'time_cost' => 3, 'threads' => 1]));
    // WordPress since 6.8, wp_hash_password
    out('wordpress', $p, '$wp' . password_hash(base64_encode(hash_hmac('sha384', $p, 'wp-sha384', true)), PASSWORD_BCRYPT, ['cost' => 4 + $i % 3]));
    out('crypt $1$', $p, crypt($p, '$1$' . salt(8) . '$'));
    out('crypt $5$', $p, crypt($p, '$5$' . salt(16) . '$'));
    out('crypt $5$rounds', $p, crypt($p, '$5$rounds=' . (1000 + 7 * $i) . '$' . salt(12) . '$'));
    out('crypt $6$', $p, crypt($p, '$6$' . salt(16) . '$'));
    out('crypt $6$rounds', $p, crypt($p, '$6$rounds=' . (1000 + 7 * $i) . '$' . salt(9) . '$'));
    out('crypt $2a$', $p, crypt($p, '$2a$05$' . salt(21) . '.'));
    foreach (['sha1', 'sha256', 'sha512'] as $algorithm) {
        $salt = random_bytes(16);
        $tag = hash_pbkdf2($algorithm, $p, $salt, 1000 + $i, 0, true);
        $text = fn (string $b): string => str_replace('+', '.', rtrim(base64_encode($b), '='));
        out("hash_pbkdf2 $algorithm", $p, '$pbkdf2-' . $algorithm . '$' . (1000 + $i) . '$' . $text($salt) . '$' . $text($tag));
    }
    foreach (['md5', 'sha1', 'sha256', 'sha512'] as $algorithm) {
        $salt = salt(5 + $i);
        $b64 = rtrim(base64_encode($salt), '=');
        out("hash $algorithm", $p, "\$digest\$$algorithm\$plain\$\$" . hash($algorithm, $p));
        out("hash $algorithm, salt first", $p, "\$digest\$$algorithm\$prefix\$$b64\$" . hash($algorithm, $salt . $p));
        out("hash $algorithm, salt last", $p, "\$digest\$$algorithm\$suffix\$$b64\$" . hash($algorithm, $p . $salt));
    }
}
out('password_hash bcrypt, the default', 'secret', password_hash('secret', PASSWORD_DEFAULT));
out('password_hash argon2i, the default', 'secret', password_hash('secret', PASSWORD_ARGON2I));
out('password_hash argon2id, the default', 'secret', password_hash('secret', PASSWORD_ARGON2ID));
out('crypt $1$ without a salt', 'secret', crypt('secret', '$1$$'));
out('crypt $6$ without a salt', 'secret', crypt('secret', '$6$$'));
