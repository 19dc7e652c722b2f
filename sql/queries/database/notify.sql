-- Say something on the bell's channel: the name of a queue, or the listener's own canary.
SELECT pg_notify('provost', $1)
