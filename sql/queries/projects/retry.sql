-- Retry a failed project.
-- $1 project  $2 new job  $3 deadline (s)  $4 max attempts  $5 actor  $6 reason or null  $7 request id  $8 notify?
-- $9 expected version, or null for any
SELECT o.previous_status, o.previous_version, o.changed
FROM begin_project_operation('retry', $1, $2, $3, $4, $5, $6, $7, $8, $9) AS o
