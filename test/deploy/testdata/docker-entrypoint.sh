#!/usr/bin/env bash
# What the start of MariaDB's image does, as far as a node of the compose file asks for it: where there are no system
# tables it makes them, with a server that nobody else reaches, and the database and users that the variables name.
set -euo pipefail
if [ ! -d /var/lib/mysql/mysql ]; then
  mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal "${@:2}" --skip-test-db --skip-log-bin
  "$@" --skip-networking --wsrep_on=OFF &
  until mariadb --user=root --execute='SELECT 1' >/dev/null 2>&1; do sleep 0.2; done
  mariadb --user=root <<SQL
CREATE DATABASE $MARIADB_DATABASE;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$(<"$MARIADB_PASSWORD_FILE")';
GRANT ALL ON $MARIADB_DATABASE.* TO '$MARIADB_USER'@'%';
CREATE USER mysql@localhost IDENTIFIED VIA unix_socket;
GRANT $MARIADB_MYSQL_LOCALHOST_GRANTS ON *.* TO mysql@localhost;
ALTER USER root@localhost IDENTIFIED BY '$(<"$MARIADB_ROOT_PASSWORD_FILE")';
SQL
  kill $!
  wait $!
fi
exec "$@"
