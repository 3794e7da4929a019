<?php
// Users is the application's table, and which registration is which row of it.
declare(strict_types=1);

/** InTheWay says why an event cannot be carried out, and which row would have to be another. */
final class InTheWay extends RuntimeException
{
    public function __construct(string $why, public readonly ?int $row = null)
    {
        parent::__construct($why);
    }
}

final class Users
{
    public function __construct(private PDO $db)
    {
    }

    public function install(): void
    {
        // A row of users has one registration at most; who was erased has none: NULL.
        $this->db->exec('CREATE TABLE IF NOT EXISTS registrar_people (registration_id CHAR(36) NOT NULL PRIMARY KEY, user_id BIGINT UNSIGNED NULL UNIQUE) ENGINE=InnoDB');
    }

    /** Whose row that is, of an export; false where there is no row. */
    public function learn(string $id, string $externalId): bool
    {
        if ($this->value('SELECT 1 FROM registrar_people WHERE registration_id = ?', [$id]) !== null) {
            return true;
        }
        $user = self::row($externalId);
        if ($user === null || $this->value('SELECT id FROM users WHERE id = ?', [$user]) === null) {
            return false;
        }
        $this->execute('INSERT IGNORE INTO registrar_people VALUES (?, ?)', [$id, $user]);
        return true;
    }

    /**
     * The rows of others that a person's row cannot be made beside: each row, the registration
     * that has it or null, and what of the person it has.
     */
    public function inTheWay(object $person): array
    {
        $known = $this->value('SELECT user_id FROM registrar_people WHERE registration_id = ?', [$person->registrationId]);
        $user = $known ?? self::row($person->externalId ?? '');
        $others = $this->execute('SELECT user_id, registration_id, ? FROM registrar_people WHERE user_id = ? AND registration_id <> ?', ['id', $user, $person->registrationId])->fetchAll(PDO::FETCH_NUM);
        if ($others === [] && $user !== null && $this->value('SELECT id FROM users WHERE id = ?', [$user]) !== null) {
            return []; // the row is there, and keeps its address
        }
        return [...$others, ...$this->execute(
            'SELECT u.id, p.registration_id, ? FROM users u LEFT JOIN registrar_people p ON p.user_id = u.id WHERE u.email = ? AND u.id <> ?',
            ['e-mail address', $person->email ?? null, $user ?? 0],
        )->fetchAll(PDO::FETCH_NUM)];
    }

    /** Makes the row where there is none. Of one that is there, what people change here stays. */
    public function write(object $person): void
    {
        $user = $this->value('SELECT user_id FROM registrar_people WHERE registration_id = ?', [$person->registrationId]);
        $known = $user !== null;
        $user ??= self::row($person->externalId ?? '');
        $verified = isset($person->emailVerifiedAt) ? self::utc($person->emailVerifiedAt) : null;
        if ($user !== null && $this->value('SELECT id FROM users WHERE id = ? FOR UPDATE', [$user]) !== null) {
            $this->execute('UPDATE users SET email_verified_at = COALESCE(email_verified_at, ?), updated_at = UTC_TIMESTAMP() WHERE id = ?', [$verified, $user]);
        } else {
            // Without a password: it is Registrar that verifies it.
            $this->execute(
                "INSERT INTO users (id, name, email, email_verified_at, password, locale, allow_notify, created_at, updated_at) VALUES (?, ?, ?, ?, '', ?, ?, ?, UTC_TIMESTAMP())",
                [$user, trim(($person->firstName ?? '') . ' ' . ($person->lastName ?? '')), $person->email ?? null, $verified, $person->locale, (int) $person->marketingConsent, self::utc($person->registeredAt)],
            );
            $user ??= (int) $this->db->lastInsertId();
        }
        if (!$known) {
            $this->execute('INSERT INTO registrar_people VALUES (?, ?)', [$person->registrationId, $user]);
        }
    }

    /** Deletes the row of somebody who was erased. That they were is kept: it may come again, when the id is another person's. */
    public function erase(string $id, string $externalId = ''): void
    {
        $known = $this->execute('SELECT user_id FROM registrar_people WHERE registration_id = ?', [$id])->fetch(PDO::FETCH_NUM);
        $user = $known === false ? self::row($externalId) : $known[0];
        if ($known === false && $user === null) {
            fwrite(STDERR, "write-back: whose row the erased registration $id was is not known: see learn\n");
        } elseif ($known === false && ($holder = $this->value('SELECT registration_id FROM registrar_people WHERE user_id = ?', [$user])) !== null) {
            fwrite(STDERR, "write-back: row $user, whose id the erased registration $id had, is that of $holder now, and stays: see that it holds nothing of the other\n");
            $user = null;
        }
        if ($user !== null) {
            // What else the application has of the person goes here too.
            $this->execute('DELETE FROM users WHERE id = ?', [$user]);
        }
        $this->execute('INSERT INTO registrar_people VALUES (?, NULL) ON DUPLICATE KEY UPDATE user_id = NULL', [$id]);
    }

    public function execute(string $sql, array $values): PDOStatement
    {
        $statement = $this->db->prepare($sql);
        $statement->execute($values);
        return $statement;
    }

    public function value(string $sql, array $values): int|string|null
    {
        $value = $this->execute($sql, $values)->fetchColumn();
        return $value === false ? null : $value;
    }

    /** The id of the row that an external id names. */
    private static function row(string $externalId): ?string
    {
        return ctype_digit($externalId) ? $externalId : null;
    }

    private static function utc(string $time): string
    {
        return (new DateTimeImmutable($time))->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d H:i:s');
    }
}
