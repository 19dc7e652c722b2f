-- How many bytes of WAL this server has written.
SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS n
