-- List events, newest first.
-- $1 entity  $2 its id  $3 its name  $4 actor, each null for any  $5 since, or null  $6 before this event, or null  $7 max rows
SELECT id, entity, entity_id, entity_name, previous_state, new_state, reason, actor, detail::text AS detail, job_id, execution_id,
       request_id, occurred_at, (SELECT x.attempt FROM executions x WHERE x.job_id = e.job_id AND x.id = e.execution_id) AS attempt
FROM events e
WHERE ($1::text IS NULL OR entity = $1) AND ($2::uuid IS NULL OR entity_id = $2) AND ($3::text IS NULL OR entity_name = $3)
  AND ($4::text IS NULL OR actor = $4) AND ($5::timestamptz IS NULL OR occurred_at >= $5) AND ($6::bigint IS NULL OR id < $6)
ORDER BY id DESC
LIMIT $7
