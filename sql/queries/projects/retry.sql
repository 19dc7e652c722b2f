-- It failed; try again. Only a failed project can be retried.
-- $1 project  $2 new job  $3 deadline (s)  $4 max attempts  $5 actor  $6 reason or null  $7 request id  $8 ring?
-- $9 the version the caller saw, or null for any
SELECT begun.was, begun.was_version, begun.moved, begun.rung
FROM begin_operation('retry', $1, $2, $3, $4, $5, $6, $7, $8, $9) AS begun
