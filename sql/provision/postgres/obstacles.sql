-- What keeps a database from being dropped, by name: prepared transactions, active replication slots, subscriptions.
-- $1 database
SELECT 'prepared transaction ' || p.gid AS obstacle FROM pg_prepared_xacts p WHERE p.database = $1::text
UNION ALL SELECT 'replication slot ' || s.slot_name FROM pg_replication_slots s WHERE s.database = $1
UNION ALL SELECT 'subscription ' || s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1
