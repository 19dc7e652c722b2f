-- List finished jobs of one state, latest first; mainly for dead letters.
-- $1 state  $2 kind  $3 queue  $4 tenant  $5 tag  $6 project  $7 pattern of the error  $8 start of the id  $9 created since
-- $10 created before: each except $1 null for any
-- $11 finished before this time, or  $12 at this time with a lower id; both null for the first page  $13 max rows
SELECT j.id, j.state, j.kind, j.queue, j.tenant, j.tags, j.priority, j.run_at, j.payload::text AS payload, j.result::text AS result,
       j.error, j.attempt, j.failures, j.max_attempts, j.timeout, j.timeout_at, j.deadline_at, j.backoff, j.project_id, j.origin_id,
       j.replays, j.replayed_at, j.schema_version, j.idempotency_key, j.execution_id, j.worker_id, j.lease_until,
       j.workflow_id, j.step, j.pending_dependencies, j.has_dependencies, j.canceled_by, j.cancel_requested_at, j.cancel_reason, j.created_at, j.updated_at, j.finished_at,
       j.progress_fraction, j.progress_text
FROM jobs j
WHERE j.state = $1::text AND j.finished_at IS NOT NULL
  AND ($2::text IS NULL OR j.kind = $2) AND ($3::text IS NULL OR j.queue = $3) AND ($4::text IS NULL OR j.tenant = $4)
  AND ($5::text IS NULL OR j.tags @> ARRAY[$5] AND j.tags <> '{}') AND ($6::uuid IS NULL OR j.project_id = $6)
  AND ($7::text IS NULL OR j.error ~ $7)
  AND ($8::text IS NULL OR starts_with(j.id::text, lower($8)))
  AND ($9::timestamptz IS NULL OR j.created_at >= $9) AND ($10::timestamptz IS NULL OR j.created_at < $10)
  AND ($11::timestamptz IS NULL OR (j.finished_at, j.id) < ($11, $12::uuid))
ORDER BY j.finished_at DESC, j.id DESC
LIMIT $13
