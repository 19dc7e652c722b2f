-- Get these jobs, in this order.
SELECT j.id, j.state, j.kind, j.queue, j.tenant, j.tags, j.priority, j.run_at, j.payload::text AS payload, j.result::text AS result,
       j.error, j.attempt, j.failures, j.max_attempts, j.timeout, j.timeout_at, j.deadline_at, j.backoff, j.project_id, j.origin_id,
       j.replays, j.replayed_at, j.schema_version, j.idempotency_key, j.execution_id, j.worker_id, j.lease_until,
       j.workflow_id, j.step, j.pending_dependencies, j.has_dependencies, j.canceled_by, j.cancel_requested_at, j.cancel_reason, j.created_at, j.updated_at, j.finished_at,
       j.progress_fraction, j.progress_text
FROM unnest($1::uuid[]) WITH ORDINALITY AS requested (id, ordinal) JOIN jobs j ON j.id = requested.id
ORDER BY requested.ordinal
