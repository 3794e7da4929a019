<?php
// A Laravel application's registration, as one long-lived process: a command a line on
// standard input, in JSON, and its answer a line on standard output.
declare(strict_types=1);

require getenv('MONOLITH_CLASS');

use App\Services\Refused;
use App\Services\Registrar;
use App\Services\Unavailable;

const BCRYPT = ['cost' => 4]; // what it costs is not what is tested

$db = new PDO(getenv('MONOLITH_DSN'), getenv('MONOLITH_USER'), getenv('MONOLITH_PASSWORD'), [PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
$registrar = new Registrar(getenv('REGISTRAR_WSDL'), getenv('REGISTRAR_CALLER'), getenv('REGISTRAR_SECRET'));

/** phpass's portable hash, as WordPress has it: MD5 2^13 times, in a base64 of its own. */
function phpass(string $password, string $salt): string
{
    $alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    $sum = md5($salt . $password, true);
    for ($i = 0; $i < 1 << 13; $i++) {
        $sum = md5($sum . $password, true);
    }
    $text = '';
    foreach (str_split($sum, 3) as $group) {
        $bits = 0;
        foreach (str_split($group) as $place => $octet) {
            $bits |= ord($octet) << 8 * $place;
        }
        for ($n = 0; $n <= strlen($group); $n++, $bits >>= 6) {
            $text .= $alphabet[$bits & 63];
        }
    }
    return '$P$B' . $salt . $text;
}

/** Hashes of every kind that applications in PHP have made, each of a password of its own. */
function hashes(int $each): array
{
    $kinds = [
        'phpass' => fn ($p) => phpass($p, substr(md5($p), 0, 8)),
        'pbkdf2' => fn ($p) => 'pbkdf2_sha256$30000$' . md5($p) . '$' . base64_encode(hash_pbkdf2('sha256', $p, md5($p), 30000, 32, true)),
        'sha512-crypt' => fn ($p) => crypt($p, '$6$rounds=5000$' . substr(md5($p), 0, 16) . '$'),
        'sha256-crypt' => fn ($p) => crypt($p, '$5$' . substr(md5($p), 0, 16) . '$'),
        'md5-crypt' => fn ($p) => crypt($p, '$1$' . substr(md5($p), 0, 8) . '$'),
        'ldap-sha1' => fn ($p) => '{SSHA}' . base64_encode(sha1($p . 'salt', true) . 'salt'),
        'argon2i' => fn ($p) => password_hash($p, PASSWORD_ARGON2I, ['memory_cost' => 8192, 'time_cost' => 3]),
        'argon2id' => fn ($p) => password_hash($p, PASSWORD_ARGON2ID, ['memory_cost' => 8192, 'time_cost' => 2]),
    ];
    foreach (range(4, 9) as $cost) {
        $kinds["bcrypt-$cost"] = fn ($p) => password_hash($p, PASSWORD_BCRYPT, ['cost' => $cost]);
    }
    $few = ['bcrypt-10' => fn ($p) => password_hash($p, PASSWORD_BCRYPT, ['cost' => 10]), 'argon2id-default' => fn ($p) => password_hash($p, PASSWORD_ARGON2ID)];
    $all = [];
    for ($n = 0; $n < $each; $n++) {
        foreach ($n < 2 ? $kinds + $few : $kinds as $kind => $hash) {
            $password = "كلمة-$kind-" . bin2hex(random_bytes(4));
            $all[] = ['kind' => $kind, 'password' => $password, 'hash' => $hash($password)];
        }
    }
    return $all;
}

/** The monolith's own registration: its own rules, its own row. It gives its outcome, in the words of callerOutcome, and the row's id. */
function signUp(array $person): array
{
    global $db;
    if (strlen($person['password']) < 8) {
        return ['PASSWORD_REJECTED', null];
    }
    if (!filter_var($person['email'], FILTER_VALIDATE_EMAIL)) {
        return ['VALIDATION_FAILED', null];
    }
    try {
        $insert = $db->prepare('INSERT INTO users (name, email, password, locale, allow_notify, created_at, updated_at) VALUES (?, ?, ?, ?, 0, UTC_TIMESTAMP(), UTC_TIMESTAMP())');
        $insert->execute([$person['name'], $person['email'], password_hash($person['password'], PASSWORD_BCRYPT, BCRYPT), 'ar']);
    } catch (PDOException $e) {
        if ($e->errorInfo[1] !== 1062) {
            throw $e;
        }
        return ['EMAIL_TAKEN', null];
    }
    return ['REGISTERED', (int) $db->lastInsertId()];
}

/** A person as Registrar takes them. */
function request(int $id, array $person): array
{
    [$first, $last] = explode(' ', $person['name'], 2) + [1 => null];
    return ['username' => "user-$id", 'email' => $person['email'], 'password' => $person['password'], 'firstName' => $first, 'lastName' => $last, 'locale' => 'ar'];
}

$commands = [
    'hashes' => fn (array $c) => hashes($c['each']),
    'signUp' => function (array $c) {
        [$outcome, $id] = signUp($c['person']);
        return ['outcome' => $outcome, 'id' => $id];
    },
    // Phase 3: its own registration, and the same to Registrar.
    'shadow' => function (array $c) use ($registrar) {
        [$outcome, $id] = signUp($c['person']);
        $ours = 'REGISTERED';
        $registration = null;
        try {
            $registration = $registrar->register($id ?? 0, $c['requestId'], request($id ?? 0, $c['person']), $outcome);
        } catch (Refused $e) {
            $ours = $e->fault;
        }
        return ['outcome' => $outcome, 'id' => $id, 'ours' => $ours, 'registration' => $registration];
    },
    // Phase 4. Without an answer from Registrar the own table is asked.
    'login' => function (array $c) use ($registrar, $db) {
        try {
            return ['valid' => $registrar->verifyPassword($c['login'], $c['password'], $c['origin'] ?? null), 'asked' => 'registrar'];
        } catch (Unavailable $e) {
            if ($e->getMessage() === 'RATE_LIMITED') {
                return ['valid' => false, 'asked' => 'RATE_LIMITED'];
            }
            $row = $db->prepare('SELECT password FROM users WHERE email = ?');
            $row->execute([$c['login']]);
            return ['valid' => password_verify($c['password'], (string) $row->fetchColumn()), 'asked' => 'table'];
        }
    },
    // Phase 5. The id and the request id are kept before Registrar is asked, the row is written behind its answer.
    'reserve' => function (array $c) use ($db) {
        $requestId = bin2hex(random_bytes(16));
        $db->prepare('INSERT INTO registrations (request_id, email) VALUES (?, ?)')->execute([$requestId, $c['email']]);
        return ['id' => (int) $db->lastInsertId(), 'requestId' => $requestId];
    },
    'register' => function (array $c) use ($registrar, $db) {
        try {
            $registration = $registrar->register($c['id'], $c['requestId'], request($c['id'], $c['person']));
        } catch (Refused $e) {
            return ['fault' => $e->fault, 'message' => $e->getMessage(), 'fields' => (object) $e->fields];
        }
        if ($c['row'] ?? true) {
            $insert = $db->prepare("INSERT IGNORE INTO users (id, name, email, password, locale, allow_notify, created_at, updated_at) VALUES (?, ?, ?, '', 'ar', 0, UTC_TIMESTAMP(), UTC_TIMESTAMP())");
            $insert->execute([$c['id'], $c['person']['name'], $c['person']['email']]);
        }
        return ['registration' => $registration];
    },
    'verify' => function (array $c) use ($registrar) {
        try {
            return ['status' => $registrar->verifyContact($c['registration'], 'EMAIL', $c['code'])];
        } catch (Refused $e) {
            return ['fault' => $e->fault];
        }
    },
    // The own login, of a table that has the columns of users.
    'ownLogin' => function (array $c) use ($db) {
        $row = $db->prepare('SELECT password FROM ' . $c['table'] . ' WHERE id = ?');
        $row->execute([$c['id']]);
        return ['valid' => password_verify($c['password'], (string) $row->fetchColumn())];
    },
];

while (($line = fgets(STDIN)) !== false) {
    $command = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    try {
        $answer = ['ok' => $commands[$command['do']]($command)];
    } catch (Throwable $e) {
        $answer = ['error' => get_class($e) . ': ' . $e->getMessage()];
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE), "\n";
}
