-- What autovacuum would come to do after a large load.
VACUUM ANALYZE
