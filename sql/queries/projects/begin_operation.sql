-- Start an operation on a project, and enqueue its job. A deletion stops the operation in progress first.
-- $1 retry, undo, skip, undelete, update, rotate, pause, resume or delete  $2 project  $3 new job  $4 timeout (s)  $5 max attempts  $6 actor
-- $7 reason or null  $8 request id  $9 notify?  $10 expected versions, or null for any
-- $11 new parameters, or null  $12 grace time of a deletion (s), or null for that of the template
SELECT o.previous_status, o.previous_version, o.outcome
FROM begin_project_operation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS o
