-- Send a wakeup. $1 the name of a queue, or the test message of a listener
SELECT pg_notify('provost', $1)
