-- What time is it? Nobody but the database tells the time of a schedule.
SELECT clock_timestamp() AS at
