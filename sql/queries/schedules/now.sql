-- Read the clock of the database, which decides when a schedule is due.
SELECT clock_timestamp() AS at
