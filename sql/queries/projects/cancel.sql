-- Cancel the current operation of a project.
-- $1 project  $2 actor  $3 reason or null  $4 request id  $5 notify?  $6 expected versions, or null for any
SELECT o.previous_status, o.previous_version, o.outcome FROM cancel_operation($1, $2, $3, $4, $5, $6) AS o
