-- Give up on a project: end its job and mark it deleted, whatever it leaves behind.
-- $1 project  $2 actor  $3 reason  $4 request id  $5 expected versions, or null for any
SELECT o.previous_status, o.previous_version, o.outcome FROM force_project($1, $2, $3, $4, $5) AS o
