package migration_test

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"registrar/internal/devstack"
)

// people is how many the application's table has, by the environment: a multiple of 1000.
func people(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("PEOPLE"))
	if os.Getenv("PEOPLE") == "" {
		n, err = 5_000, nil
	}
	if err != nil || n < 1000 || n%1000 != 0 {
		t.Fatalf("PEOPLE=%q is not a multiple of 1000", os.Getenv("PEOPLE"))
	}
	return n
}

// table is Laravel's, with addresses compared octet for octet: so some are there
// twice but for their letter case.
const table = `CREATE DATABASE laravel CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE laravel;
CREATE TABLE users (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, email VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL UNIQUE,
	email_verified_at TIMESTAMP NULL, password VARCHAR(255) NOT NULL, locale VARCHAR(8) NOT NULL DEFAULT 'ar', allow_notify TINYINT(1) NOT NULL DEFAULT 1, remember_token VARCHAR(100) NULL,
	created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL);
CREATE TABLE registrations (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, request_id CHAR(32) NOT NULL UNIQUE, email VARCHAR(255) NOT NULL) AUTO_INCREMENT=1000000000;
CREATE TABLE hashes (n INT PRIMARY KEY, hash VARCHAR(255) NOT NULL)`

// fill fills it, one row in a hundred broken.
const fill = `SET NAMES utf8mb4; USE laravel; INSERT INTO users SELECT seq,
	CASE seq %% 1000 WHEN 400 THEN CONCAT('Umm ', REPEAT('Kulthum ', 12)) WHEN 800 THEN CONCAT('Bell', CHAR(7), ' Person') ELSE CONCAT('نورة الحداد ', seq) END,
	CASE seq %% 1000 WHEN 100 THEN NULL WHEN 200 THEN CONCAT('PERSON', seq - 1, '@EXAMPLE.com') WHEN 300 THEN CONCAT('nobody ', seq) WHEN 950 THEN CONCAT(REPEAT('x', 70), seq, '@example.com')
		ELSE CONCAT('person', seq, '@example.com') END,
	IF(seq %% 2, '2024-01-02 03:04:05', NULL),
	CASE seq %% 1000 WHEN 500 THEN 'secret' WHEN 600 THEN '' WHEN 900 THEN CONCAT('$2y$31$', REPEAT('a', 53)) ELSE hash END,
	IF(seq %% 1000 = 700, 'klingon!', IF(seq %% 3, 'ar', 'en')), seq %% 2, NULL, '2023-01-02 03:04:05', '2023-01-02 03:04:05'
	FROM seq_1_to_%d JOIN hashes ON n = seq %% %d`

// planted are the rules that apply to each thousand rows, by rule and action.
var planted = map[string]int{
	"email_missing keep": 1, "email_taken refuse": 1, "email_invalid refuse": 2, "name_too_long truncate": 1, "password_unusable refuse": 2, "password_missing no_password": 1,
	"locale_invalid default": 1, "name_invalid refuse": 1,
}

// refusedInThousand of them are not stored.
const refusedInThousand = 6

// mend is what the application's people do to the rows that are refused.
const mend = `USE laravel; UPDATE users SET name = IF(id %% 1000 = 800, CONCAT('Bell Person ', id), name), email = IF(id %% 1000 IN (200, 300, 950), CONCAT('mended', id, '@example.com'), email),
	password = IF(id %% 1000 IN (500, 900), '', password) WHERE id <= %d AND id %% 1000 IN (200, 300, 500, 800, 900, 950)`

// hash is one that PHP made.
type hash struct{ Kind, Password, Hash string }

func newTable(t *testing.T, node *devstack.MariaDB) {
	t.Helper()
	sql(t, node, table)
}

// fillTable gives it n people, with the hashes in turn: a person's is that of the
// number id modulo the number of hashes.
func fillTable(t *testing.T, node *devstack.MariaDB, n int, hashes []hash) {
	t.Helper()
	values := make([]string, len(hashes))
	for i, h := range hashes {
		values[i] = fmt.Sprintf("(%d, '%s')", i, h.Hash)
	}
	sql(t, node, "INSERT INTO laravel.hashes VALUES "+strings.Join(values, ", "))
	sql(t, node, fmt.Sprintf(fill, n, len(hashes)))
}

// whole says whether nothing is wrong with a row.
func whole(id int) bool { return id%50 != 0 }

// ofKind gives ids of people with a whole row whose hash is of a kind.
func ofKind(hashes []hash, kind string, people, most int) (ids []int) {
	for id := 1; id <= people && len(ids) < most; id++ {
		if hashes[id%len(hashes)].Kind == kind && whole(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func kinds(hashes []hash) map[string]bool {
	all := map[string]bool{}
	for _, h := range hashes {
		all[h.Kind] = true
	}
	return all
}

// expected are the findings of n people's table.
func expected(n int) map[string]int {
	all := maps.Clone(planted)
	for rule := range all {
		all[rule] *= n / 1000
	}
	return all
}

// sql runs statements and gives what they print.
func sql(t *testing.T, node *devstack.MariaDB, statements string) string {
	t.Helper()
	out, err := node.Query(t.Context(), statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// number is a query's only value.
func number(t *testing.T, node *devstack.MariaDB, query string) int {
	t.Helper()
	n, err := strconv.Atoi(sql(t, node, query))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
