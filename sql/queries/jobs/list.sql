-- List jobs, newest first.
-- $1 state  $2 kind  $3 queue  $4 tenant  $5 tag  $6 project  $7 pattern of the error  $8 start of the id  $9 created since
-- $10 created before: each null for any
-- $11 ids below this one, or null  $12 max rows
SELECT j.id, j.state, j.kind, j.queue, j.tenant, j.tags, j.priority, j.run_at, j.payload::text AS payload, j.result::text AS result,
       j.error, j.attempt, j.failures, j.max_attempts, j.timeout, j.timeout_at, j.deadline_at, j.backoff, j.project_id, j.origin_id,
       j.replays, j.replayed_at, j.schema_version, j.idempotency_key, j.execution_id, j.worker_id, j.lease_until,
       j.workflow_id, j.step, j.pending_dependencies, j.has_dependencies, j.canceled_by, j.cancel_requested_at, j.cancel_reason, j.created_at, j.updated_at, j.finished_at,
       j.progress_fraction, j.progress_text
FROM jobs j
WHERE ($1::text IS NULL OR j.state = $1)
  AND ($2::text IS NULL OR j.kind = $2) AND ($3::text IS NULL OR j.queue = $3) AND ($4::text IS NULL OR j.tenant = $4)
  AND ($5::text IS NULL OR j.tags @> ARRAY[$5] AND j.tags <> '{}') AND ($6::uuid IS NULL OR j.project_id = $6)
  AND ($7::text IS NULL OR j.error ~ $7)
  AND ($8::text IS NULL OR starts_with(j.id::text, lower($8)))
  AND ($9::timestamptz IS NULL OR j.created_at >= $9) AND ($10::timestamptz IS NULL OR j.created_at < $10)
  AND ($11::uuid IS NULL OR j.id < $11)
ORDER BY j.id DESC
LIMIT $12
