#!/bin/bash
# Runs once, when the data volume is empty: makes the two roles and the database that the addresses name.
# Names and passwords come out of DATABASE_URL and DATABASE_OWNER_URL, so they are written in one place only.
set -euo pipefail

part() { # part URL user|password|database
    local rest=${1#*://} login
    login=${rest%%@*}
    case $2 in
        user) printf '%s' "${login%%:*}" ;;
        password) printf '%s' "${login#*:}" ;;
        database) rest=${rest##*/} && printf '%s' "${rest%%\?*}" ;;
    esac
}

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname template1 \
    --set owner="$(part "$DATABASE_OWNER_URL" user)" \
    --set owner_password="$(part "$DATABASE_OWNER_URL" password)" \
    --set runtime="$(part "$DATABASE_URL" user)" \
    --set runtime_password="$(part "$DATABASE_URL" password)" \
    --set database="$(part "$DATABASE_URL" database)" <<'SQL'
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
CREATE ROLE :"runtime" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'runtime_password';
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"runtime";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE ON SEQUENCES TO :"runtime";
CREATE DATABASE :"database" OWNER :"owner" TEMPLATE template1;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"runtime";
SQL
