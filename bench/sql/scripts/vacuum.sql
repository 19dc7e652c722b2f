-- What autovacuum would do after a large load.
VACUUM ANALYZE
