-- Read events after a given one, in order of their ids. Ids are not in commit order: a transaction with a lower id may commit
-- later. The result therefore tells which transactions may still do so (`oldest`: all earlier ones have ended; `next`: it and
-- all later ones had not started), and events that were already delivered are excluded by id.
-- $1 after this event  $2 later events already delivered  $3 entity  $4 its id  $5 its name  $6 actor, each null for any
-- $7 max rows
WITH clock AS MATERIALIZED (
    SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next, (SELECT coalesce(max(id), 0) FROM events) AS head
    FROM pg_current_snapshot() AS s
)
SELECT clock.oldest, clock.next, clock.head, e.id, e.entity, e.entity_id, e.entity_name, e.previous_state, e.new_state, e.reason, e.actor,
       e.detail::text AS detail, e.job_id, e.execution_id, e.request_id, e.occurred_at,
       (SELECT x.attempt FROM executions x WHERE x.job_id = e.job_id AND x.id = e.execution_id) AS attempt
FROM clock LEFT JOIN LATERAL (
    SELECT * FROM events
    WHERE id > $1::bigint AND id NOT IN (SELECT unnest($2::bigint[]))
      AND ($3::text IS NULL OR entity = $3) AND ($4::uuid IS NULL OR entity_id = $4) AND ($5::text IS NULL OR entity_name = $5)
      AND ($6::text IS NULL OR actor = $6)
    ORDER BY id LIMIT $7
) AS e ON true
ORDER BY e.id
