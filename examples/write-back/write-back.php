<?php
// Writes what happens at Registrar back to the table of users of a Laravel application.
//
// It reads the lines of `registrar event tail --follow --json` on standard input, asks
// GetRegistration for what an event does not say, and changes the row in one transaction
// with the position of the event. So it may be killed at any time: started again from that
// position it goes on with the next event, and no row is written twice.
//
//   write-back.php install    makes its two tables
//   write-back.php position   prints where to go on: for event tail --from
//   write-back.php apply      reads events until there are no more
//   write-back.php learn      reads `registrar export --format jsonl`: whose row is whose, of people
//                             who were imported, so that their erasure is known
//
// Environment: DB_DSN, DB_USERNAME, DB_PASSWORD; WRITE_BACK_WSDL, WRITE_BACK_CALLER, WRITE_BACK_SECRET.
declare(strict_types=1);

const CHANGES = ['registrar.registration.created.v1', 'registrar.contact.verified.v1', 'registrar.registration.completed.v1'];
const ERASED = 'registrar.registration.erased.v1';

final class WriteBack
{
    private ?SoapClient $registrar = null;

    public function __construct(private PDO $db)
    {
    }

    public function install(): void
    {
        // The position, and which registration is which row. A row of users has one registration at most.
        $this->db->exec('CREATE TABLE IF NOT EXISTS registrar_feed (id TINYINT NOT NULL PRIMARY KEY, position VARCHAR(4096) NOT NULL) ENGINE=InnoDB');
        $this->db->exec('CREATE TABLE IF NOT EXISTS registrar_people (registration_id CHAR(36) NOT NULL PRIMARY KEY, user_id BIGINT UNSIGNED NOT NULL UNIQUE) ENGINE=InnoDB');
        $this->db->exec("INSERT IGNORE INTO registrar_feed VALUES (1, 'beginning')");
    }

    public function position(): string
    {
        return (string) $this->db->query('SELECT position FROM registrar_feed WHERE id = 1')->fetchColumn();
    }

    /** @param resource $lines */
    public function apply($lines): void
    {
        $position = $this->position();
        while (($line = fgets($lines)) !== false) {
            if (!str_ends_with($line, "\n")) {
                return; // the other program ended in the middle of it
            }
            $event = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
            $id = $event['data']['registrationId'] ?? null;
            // Other callers have ids of their own, which are those of other people here.
            $own = ($event['data']['caller'] ?? '') === (string) getenv('WRITE_BACK_CALLER');
            $change = $own && in_array($event['type'], CHANGES, true);
            // Before the transaction: nothing is locked while the service is asked.
            $person = $change && $id !== null ? $this->person($id) : null;

            $this->db->beginTransaction();
            $there = (string) $this->db->query('SELECT position FROM registrar_feed WHERE id = 1 FOR UPDATE')->fetchColumn();
            if ($there !== $position) {
                throw new RuntimeException('another write-back has gone on from the same position');
            }
            if ($person !== null) {
                $this->write($person);
            } elseif ($own && $event['type'] === ERASED && $id !== null) {
                $this->erase($id, $event['data']['externalId'] ?? null);
            } // of other types nothing is to be written; who is not there any more was erased, which comes
            $this->execute('UPDATE registrar_feed SET position = ? WHERE id = 1', [$event['position']]);
            $this->db->commit();
            $position = $event['position'];
        }
    }

    /** @param resource $lines */
    public function learn($lines): void
    {
        while (($line = fgets($lines)) !== false) {
            $row = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
            $user = $row['external_id'] ?? $row['id'] ?? null;
            if ($user !== null && ctype_digit((string) $user)) {
                $this->execute('INSERT IGNORE INTO registrar_people VALUES (?, ?)', [$row['registration_id'], $user]);
            }
        }
    }

    /** Who that is by now; null for somebody who was erased since. */
    private function person(string $id): ?object
    {
        $this->registrar ??= new SoapClient(getenv('WRITE_BACK_WSDL'), [
            'exceptions' => true, 'connection_timeout' => 5, 'cache_wsdl' => WSDL_CACHE_MEMORY,
            'login' => (string) getenv('WRITE_BACK_CALLER'), 'password' => (string) getenv('WRITE_BACK_SECRET'),
        ]);
        for ($wait = 1;; $wait = min(2 * $wait, 30)) {
            try {
                return $this->registrar->GetRegistration(['registrationId' => $id]);
            } catch (SoapFault $fault) {
                $detail = $fault->detail->RegistrationFault ?? null;
                if (($detail->code ?? '') === 'NOT_FOUND') {
                    return null;
                }
                if ($detail !== null && $detail->retryable !== 'true') {
                    throw $fault;
                }
                sleep($wait); // the service is away, or has much to do
            }
        }
    }

    /** Makes the row where there is none. Of one that is there, what people change here stays. */
    private function write(object $person): void
    {
        $user = $this->value('SELECT user_id FROM registrar_people WHERE registration_id = ?', [$person->registrationId]);
        $known = $user !== null;
        $user ??= $person->externalId ?? null;
        $verified = isset($person->emailVerifiedAt) ? (new DateTimeImmutable($person->emailVerifiedAt))->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d H:i:s') : null;
        if ($user !== null && $this->value('SELECT id FROM users WHERE id = ? FOR UPDATE', [$user]) !== null) {
            $this->execute('UPDATE users SET email_verified_at = COALESCE(email_verified_at, ?), updated_at = UTC_TIMESTAMP() WHERE id = ?', [$verified, $user]);
        } else {
            // Without a password: it is Registrar that verifies it.
            $registered = (new DateTimeImmutable($person->registeredAt))->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d H:i:s');
            $name = trim(($person->firstName ?? '') . ' ' . ($person->lastName ?? ''));
            $this->execute(
                "INSERT INTO users (id, name, email, email_verified_at, password, locale, allow_notify, created_at, updated_at) VALUES (?, ?, ?, ?, '', ?, ?, ?, UTC_TIMESTAMP())",
                [$user, $name, $person->email ?? null, $verified, $person->locale, (int) $person->marketingConsent, $registered],
            );
            $user ??= (int) $this->db->lastInsertId();
        }
        if (!$known) {
            $this->execute('INSERT INTO registrar_people VALUES (?, ?)', [$person->registrationId, $user]);
        }
    }

    private function erase(string $id, ?string $externalId): void
    {
        $user = $this->value('SELECT user_id FROM registrar_people WHERE registration_id = ?', [$id]) ?? $externalId;
        if ($user === null) {
            fwrite(STDERR, "write-back: whose row the erased registration $id was is not known: see learn\n");
            return;
        }
        // What else the application has of the person goes here too.
        $this->execute('DELETE FROM users WHERE id = ?', [$user]);
        $this->execute('DELETE FROM registrar_people WHERE registration_id = ?', [$id]);
    }

    private function execute(string $sql, array $values): PDOStatement
    {
        $statement = $this->db->prepare($sql);
        $statement->execute($values);
        return $statement;
    }

    private function value(string $sql, array $values): int|string|null
    {
        $value = $this->execute($sql, $values)->fetchColumn();
        return $value === false ? null : $value;
    }
}

ini_set('default_socket_timeout', '15');
$command = $argv[1] ?? '';
if (!in_array($command, ['install', 'position', 'apply', 'learn'], true)) {
    fwrite(STDERR, "write-back.php install, position, apply or learn: see the beginning of the file\n");
    exit(2);
}
$writeBack = new WriteBack(new PDO((string) getenv('DB_DSN'), (string) getenv('DB_USERNAME'), (string) getenv('DB_PASSWORD')));
match ($command) {
    'install' => $writeBack->install(),
    'position' => print($writeBack->position() . "\n"),
    'apply' => $writeBack->apply(STDIN),
    'learn' => $writeBack->learn(STDIN),
};
