-- May I migrate? Only one process at a time may; the lock goes with the connection.
SELECT pg_try_advisory_lock(hashtextextended('provost migrations', 0)) AS locked
