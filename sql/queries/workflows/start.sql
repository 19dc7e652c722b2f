-- Start a workflow with its steps: all of it, or nothing (see start_workflow).
-- $1 workflow  $2 name  $3 tenant  $4 steps (JSON, as in jobs/enqueue)  $5 actor  $6 request id  $7 notify?  $8 idempotency key or null
-- $9 hash of the request
SELECT workflow_id, is_new FROM start_workflow($1, $2, $3, $4::text::json, $5, $6, $7, $8, $9)
