<?php
// Writes what happens at Registrar back to the table of users of a Laravel application.
//
// It reads the lines of `registrar event tail --follow --json` on standard input, asks
// GetRegistration for what an event does not say, and changes the row in one transaction
// with the position of the event. So it may be killed at any time: started again from that
// position it goes on with the next event, and no row is written twice.
//
//   write-back.php install    makes its three tables
//   write-back.php position   prints where to go on: for event tail --from
//   write-back.php apply      reads events until there are no more
//   write-back.php learn      reads `registrar export --format jsonl`: whose row is whose, of people
//                             who were imported, so that their erasure is known
//   write-back.php retry      tries again what was set aside, and lists what stays so
//
// Environment: DB_DSN, DB_USERNAME, DB_PASSWORD; WRITE_BACK_WSDL, WRITE_BACK_CALLER, WRITE_BACK_SECRET.
declare(strict_types=1);

require __DIR__ . '/registrar.php';
require __DIR__ . '/users.php';

const CREATED = 'registrar.registration.created.v1';
const CHANGES = [CREATED, 'registrar.contact.verified.v1', 'registrar.registration.completed.v1'];
const ERASED = 'registrar.registration.erased.v1';

final class WriteBack
{
    private Users $users;
    private Registrar $registrar;
    private string $caller;

    public function __construct(private PDO $db)
    {
        $this->users = new Users($db);
        $this->registrar = new Registrar();
        $this->caller = (string) getenv('WRITE_BACK_CALLER');
    }

    public function install(): void
    {
        // The position, and the events that a person has to decide about: one of each registration.
        $this->db->exec('CREATE TABLE IF NOT EXISTS registrar_feed (id TINYINT NOT NULL PRIMARY KEY, position VARCHAR(4096) NOT NULL) ENGINE=InnoDB');
        $this->db->exec('CREATE TABLE IF NOT EXISTS registrar_aside (registration_id CHAR(36) NOT NULL PRIMARY KEY, event TEXT NOT NULL, why VARCHAR(255) NOT NULL,
            in_the_way BIGINT UNSIGNED NULL, since DATETIME NOT NULL) ENGINE=InnoDB');
        $this->db->exec("INSERT IGNORE INTO registrar_feed VALUES (1, 'beginning')");
        $this->users->install();
    }

    public function position(): string
    {
        return (string) $this->users->value('SELECT position FROM registrar_feed WHERE id = 1', []);
    }

    /** @param resource $lines */
    public function apply($lines): void
    {
        $position = $this->position();
        $this->freed();
        while (($line = fgets($lines)) !== false) {
            if (!str_ends_with($line, "\n")) {
                return; // the other program ended in the middle of it
            }
            $event = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
            $plan = $this->plan($event);
            $this->db->beginTransaction();
            if ($this->lock() !== $position) {
                throw new RuntimeException('another write-back has gone on from the same position');
            }
            if ($plan !== null) {
                $this->carryOut($event, $plan);
            }
            $this->users->execute('UPDATE registrar_feed SET position = ? WHERE id = 1', [$event['position']]);
            $this->db->commit();
            $position = $event['position'];
            if ($event['type'] === ERASED) {
                $this->freed();
            }
        }
    }

    /** @param resource $lines */
    public function learn($lines): void
    {
        $missing = 0;
        while (($line = fgets($lines)) !== false) {
            $row = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
            $id = $row['registration_id'];
            if (!$this->users->learn($id, (string) ($row['external_id'] ?? $row['id'] ?? ''))) {
                $missing++;
                $this->keep(['type' => CREATED, 'data' => ['registrationId' => $id, 'caller' => $this->caller]], new InTheWay('the table has no row of it'));
            }
        }
        if ($missing > 0) {
            fwrite(STDERR, "write-back: $missing people of the export have no row, and are set aside: write-back.php retry makes their rows\n");
        }
    }

    /** Tries everything again that was set aside, and says how much stays so. */
    public function retry(): int
    {
        foreach ($this->users->execute('SELECT registration_id FROM registrar_aside ORDER BY since', [])->fetchAll(PDO::FETCH_COLUMN) as $id) {
            $this->again($id);
        }
        $left = $this->users->execute('SELECT registration_id, since, why FROM registrar_aside ORDER BY since', [])->fetchAll(PDO::FETCH_NUM);
        foreach ($left as [$id, $since, $why]) {
            echo "$id is set aside since $since UTC: $why\n";
        }
        return count($left);
    }

    /** Tries again what was set aside for a row that is not there any more. */
    private function freed(): void
    {
        $freed = $this->users->execute('SELECT a.registration_id FROM registrar_aside a LEFT JOIN users u ON u.id = a.in_the_way WHERE a.in_the_way IS NOT NULL AND u.id IS NULL', []);
        foreach ($freed->fetchAll(PDO::FETCH_COLUMN) as $id) {
            $this->again($id);
        }
    }

    private function again(string $id): void
    {
        $event = 'SELECT event FROM registrar_aside WHERE registration_id = ?';
        $text = $this->users->value($event, [$id]);
        $plan = $text === null ? null : $this->plan(json_decode($text, true, 16, JSON_THROW_ON_ERROR));
        $this->db->beginTransaction();
        $this->lock();
        if ($text === null || $this->users->value("$event FOR UPDATE", [$id]) !== $text) {
            // an event that came meanwhile has settled it
        } elseif ($plan === null) { // erased since, which comes, or has come
            $this->users->execute('DELETE FROM registrar_aside WHERE registration_id = ?', [$id]);
        } else {
            $this->carryOut(json_decode($text, true, 16, JSON_THROW_ON_ERROR), $plan);
        }
        $this->db->commit();
    }

    /** What the position is; nobody else changes rows until the transaction ends. */
    private function lock(): string
    {
        return (string) $this->users->value('SELECT position FROM registrar_feed WHERE id = 1 FOR UPDATE', []);
    }

    /**
     * What is to be done for an event; null for nothing. The service is asked here, before the
     * transaction: nothing is locked while it answers.
     */
    private function plan(array $event): ?array
    {
        $id = $event['data']['registrationId'] ?? null;
        // Other callers have ids of their own, which are those of other people here.
        if ($id === null || ($event['data']['caller'] ?? '') !== $this->caller) {
            return null;
        }
        if ($event['type'] === ERASED) {
            return ['person' => null];
        }
        // Of other types nothing is to be written; who is not there any more was erased, which comes.
        if (!in_array($event['type'], CHANGES, true) || ($person = $this->registrar->person($id)) === null) {
            return null;
        }
        // Registrations come in no common order: a new one may come before the erasure of the
        // one that had its address, or its id, before. So it is carried out now.
        $plan = ['person' => $person, 'gone' => [], 'conflict' => null];
        foreach ($this->users->inTheWay($person) as [$row, $holder, $what]) {
            if ($holder !== null && $this->registrar->person($holder) === null) {
                $plan['gone'][] = $holder;
            } else {
                $plan['conflict'] = new InTheWay("row $row has its $what, and belongs to " . ($holder === null ? 'no registration that is known here' : "the registration $holder"), (int) $row);
            }
        }
        return $plan;
    }

    /** Does it in the transaction that is open. What the table does not take is set aside, and nothing of it is done. */
    private function carryOut(array $event, array $plan): void
    {
        $id = $event['data']['registrationId'];
        $this->db->exec('SAVEPOINT event');
        try {
            if ($plan['person'] === null) {
                $this->users->erase($id, $event['data']['externalId'] ?? '');
            } else {
                array_map($this->users->erase(...), $plan['gone']);
                $plan['conflict'] === null || throw $plan['conflict'];
                $this->users->write($plan['person']);
            }
            $this->users->execute('DELETE FROM registrar_aside WHERE registration_id = ?', [$id]);
        } catch (InTheWay $why) {
            $this->setAside($event, $why);
        } catch (PDOException $refused) {
            $error = (int) ($refused->errorInfo[1] ?? 0);
            // 22 is a value that does not fit, 23 a key: they stay so however often it is tried. 1366 is MySQL's for a letter that does not.
            if (!in_array(substr((string) $refused->getCode(), 0, 2), ['22', '23'], true) && $error !== 1366) {
                throw $refused;
            }
            $this->setAside($event, new InTheWay("the table refuses it with error $error")); // whose text holds the address
        }
    }

    private function setAside(array $event, InTheWay $why): void
    {
        $this->db->exec('ROLLBACK TO SAVEPOINT event');
        if ($this->keep($event, $why)) {
            fwrite(STDERR, "write-back: the registration {$event['data']['registrationId']} is set aside: {$why->getMessage()}. Decide, then write-back.php retry\n");
        }
    }

    /** Keeps an event for retry; false where one of the registration was kept before. */
    private function keep(array $event, InTheWay $why): bool
    {
        return $this->users->execute(
            'INSERT INTO registrar_aside VALUES (?, ?, ?, ?, UTC_TIMESTAMP()) ON DUPLICATE KEY UPDATE event = VALUES(event), why = VALUES(why), in_the_way = VALUES(in_the_way)',
            [$event['data']['registrationId'], json_encode(['type' => $event['type'], 'data' => $event['data']], JSON_THROW_ON_ERROR), $why->getMessage(), $why->row],
        )->rowCount() === 1;
    }
}

ini_set('default_socket_timeout', '15');
$command = $argv[1] ?? '';
if (!in_array($command, ['install', 'position', 'apply', 'learn', 'retry'], true)) {
    fwrite(STDERR, "write-back.php install, position, apply, learn or retry: see the beginning of the file\n");
    exit(2);
}
$writeBack = new WriteBack(new PDO((string) getenv('DB_DSN'), (string) getenv('DB_USERNAME'), (string) getenv('DB_PASSWORD')));
match ($command) {
    'install' => $writeBack->install(),
    'position' => print($writeBack->position() . "\n"),
    'apply' => $writeBack->apply(STDIN),
    'learn' => $writeBack->learn(STDIN),
    'retry' => $writeBack->retry() > 0 && exit(1),
};
