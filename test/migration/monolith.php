<?php
// A Laravel application's registration, as one long-lived process: a command a line on
// standard input, in JSON, and its answer a line on standard output.
declare(strict_types=1);

foreach (explode(':', getenv('MONOLITH_CLASSES')) as $class) {
    require $class;
}

use App\Services\Accounts;
use App\Services\Refused;
use App\Services\Registrar;
use App\Services\Unavailable;

const BCRYPT = ['cost' => 4]; // what it costs is not what is tested

$db = new PDO(getenv('MONOLITH_DSN'), getenv('MONOLITH_USER'), getenv('MONOLITH_PASSWORD'), [PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
$service = [getenv('REGISTRAR_WSDL'), getenv('REGISTRAR_CALLER'), getenv('REGISTRAR_SECRET')];
$registrar = new Registrar(...$service, loginSeconds: 30); // how busy the machine is is not what is tested
$accounts = new Accounts($db, $registrar);
$hurried = new Accounts($db, new Registrar(...$service));

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

/** A person as Registrar takes them; what the form was left empty at is ''. */
function request(array $person): array
{
    [$first, $last] = [$person['firstName'] ?? null, $person['lastName'] ?? null];
    if ($first === null) {
        [$first, $last] = explode(' ', $person['name'], 2) + [1 => ''];
    }
    return ['email' => $person['email'], 'password' => $person['password'], 'firstName' => $first, 'lastName' => $last, 'mobileNumber' => '', 'locale' => 'ar'];
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
            $registration = $registrar->register($id ?? 0, $c['requestId'], request($c['person']), $outcome);
        } catch (Refused $e) {
            $ours = $e->fault;
        }
        return ['outcome' => $outcome, 'id' => $id, 'ours' => $ours, 'registration' => $registration];
    },
    // Phase 4.
    'verifyPassword' => fn (array $c) => ['valid' => $registrar->verifyPassword($c['login'], $c['password'], $c['origin'] ?? null) !== null],
    'learn' => function (array $c) use ($accounts) {
        $lines = fopen($c['file'], 'r');
        $accounts->learn($lines);
        return [];
    },
    'logIn' => function (array $c) use ($accounts, $hurried) {
        try {
            $person = (($c['hurried'] ?? false) ? $hurried : $accounts)->logIn($c['email'], $c['password'], $c['origin'] ?? null);
            return (object) ($person === null ? [] : ['valid' => true] + $person);
        } catch (Unavailable $e) {
            return ['fault' => $e->getMessage()];
        }
    },
    // What no person can have, and JSON not say.
    'oddLogins' => function (array $c) use ($registrar) {
        ['login' => $login, 'password' => $password] = $c;
        $odd = [
            'a short login' => ['ab', $password], 'no login' => ['', $password], 'a long login' => [str_repeat('x', 255), $password],
            'no password' => [$login, ''], 'a long password' => [$login, str_repeat('x', 1025)],
            'a login that is not UTF-8' => ["\xff$login", $password], 'a password that is not UTF-8' => [$login, "$password\xff"],
            'more behind a NUL' => [$login, "$password\0garbage"], 'a login with more behind a NUL' => ["$login\0garbage", $password], 'a control character' => [$login, "$password\1"],
        ];
        return array_keys(array_filter($odd, fn ($at) => $registrar->verifyPassword($at[0], $at[1], null) !== null));
    },
    // Phase 5. The id and the request id are kept before Registrar is asked, the row is written behind its answer.
    'reserve' => function (array $c) use ($db) {
        $requestId = bin2hex(random_bytes(16));
        $db->prepare('INSERT INTO registrations (request_id, email) VALUES (?, ?)')->execute([$requestId, $c['email']]);
        return ['id' => (int) $db->lastInsertId(), 'requestId' => $requestId];
    },
    'register' => function (array $c) use ($registrar, $accounts) {
        try {
            $person = request($c['person']);
            $registration = ($c['row'] ?? true) ? $accounts->register($c['id'], $c['requestId'], $person) : $registrar->register($c['id'], $c['requestId'], $person);
        } catch (Refused $e) {
            return ['fault' => $e->fault, 'message' => $e->getMessage(), 'fields' => (object) $e->fields];
        }
        return ['registration' => $registration];
    },
    // A job of phase 3 that is late.
    'late' => fn (array $c) => $registrar->register($c['id'], $c['requestId'], request($c['person']), 'REGISTERED'),
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
