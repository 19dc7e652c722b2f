-- Tell what a new connection must know about its session: whether it accepts no writes, whether triggers are off, and which process serves
-- it. Names are qualified, because the session of a tenant may find other functions first.
SELECT pg_catalog.current_setting('transaction_read_only') AS read_only,
       pg_catalog.current_setting('session_replication_role') AS replication_role,
       pg_catalog.pg_backend_pid() AS pid
