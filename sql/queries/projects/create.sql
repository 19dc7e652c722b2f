-- I want a project. The way in is the function that applications call too: see ask_for_project in the migrations.
-- $1 project  $2 job  $3 name  $4 template  $5 parameters  $6 labels  $7 deadline (s)  $8 max attempts
-- $9 actor  $10 request id  $11 ring?  $12 idempotency key or null  $13 hash of the request
SELECT asked.is_open, asked.seen_project_id, asked.seen_hash, asked.id, $3::text AS name, asked.status, asked.error_reason,
       $4::text AS template, $5::text AS parameters, $6::text AS labels, asked.version, asked.requested_at, asked.deadline_at,
       asked.created_at, asked.updated_at, asked.rung
FROM ask_for_project($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS asked
