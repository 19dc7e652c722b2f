-- Try to take the lock that allows one process to migrate. The lock ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('provost migrations', 0)) AS locked
