-- How many transactions this database has seen; each statement outside a transaction is one.
SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()
