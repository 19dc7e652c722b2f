-- Record what a look at a project has found, unless the project has changed since the look began, or a later look was faster.
-- $1 project  $2 version at the beginning  $3 healthy: true, false or unknown, or null to record only the time  $4 short name of the reason  $5 message
-- $6 findings (JSON array of kind, object and message), or null if the differences are not known  $7 provisioner  $8 cluster  $9 actor
-- $10 beginning of the look
--
-- Several differences of one kind in one object are one finding.
WITH held AS MATERIALIZED (
    SELECT id FROM projects
    WHERE id = $1 AND version = $2 AND status IN ('ready', 'paused') AND (observed_at IS NULL OR observed_at <= $10) FOR UPDATE
), observed AS (
    UPDATE projects p SET observed_at = $10 FROM held WHERE p.id = held.id RETURNING p.id, clock_timestamp() AS at
), found AS MATERIALIZED (
    SELECT f.kind, f.object, string_agg(f.message, ', ' ORDER BY f.place) AS message
    FROM held CROSS JOIN ROWS FROM (json_to_recordset(coalesce($6::text, '[]')::json) AS (kind text, object text, message text))
         WITH ORDINALITY AS f (kind, object, message, place)
    GROUP BY f.kind, f.object
), resolved AS (
    DELETE FROM findings f USING held
    WHERE f.project_id = held.id AND f.kind <> 'orphaned' AND $6 IS NOT NULL
      AND NOT EXISTS (SELECT FROM found WHERE (found.kind, found.object) = (f.kind, f.object) AND f.cluster = $8)
), stored AS (
    INSERT INTO findings AS f (kind, project_id, provisioner, cluster, object, message, first_seen_at, last_seen_at)
    SELECT found.kind, $1, $7, $8, found.object, found.message, $10, $10 FROM found CROSS JOIN observed
    ON CONFLICT (cluster, object, kind) DO UPDATE
    SET project_id = excluded.project_id, message = excluded.message, last_seen_at = greatest(f.last_seen_at, excluded.last_seen_at)
), conditions_set AS MATERIALIZED (
    SELECT set_condition($1, 'healthy', $3::text, $4, $5, $9, at) FROM observed WHERE $3 IS NOT NULL
    UNION ALL
    SELECT set_condition($1, 'in_sync', CASE WHEN $6 IS NULL THEN 'unknown' WHEN n = 0 THEN 'true' ELSE 'false' END,
                         CASE WHEN $6 IS NULL THEN $4 WHEN n = 0 THEN 'in_sync' ELSE 'drift' END,
                         CASE WHEN $6 IS NULL THEN $5 WHEN n = 0 THEN 'everything exists as it should' ELSE first || CASE WHEN n > 1 THEN format(' (and %s more)', n - 1) ELSE '' END END, $9, at)
    FROM observed CROSS JOIN (SELECT count(*) AS n, min(message) AS first FROM found) AS f WHERE $3 IS NOT NULL
)
SELECT EXISTS (SELECT FROM observed) AS recorded, (SELECT count(*) FROM conditions_set) AS conditions
