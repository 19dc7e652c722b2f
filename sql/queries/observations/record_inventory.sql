-- Record what a search of a cluster has found: what has our mark but belongs to no project, and what a crash left behind. Nothing
-- happens if a later search was faster.
-- $1 cluster  $2 provisioner  $3 start of the search
-- $4 found (JSON array of kind: orphaned or residue, project, object, message, known), or null if the search failed  $5 why it failed
--
-- What belongs to a project that existed when the search began is no orphan, even if the project has been deleted since.
WITH taken AS (
    UPDATE inventories i SET taken_at = CASE WHEN $4::text IS NULL THEN i.taken_at ELSE $3 END, tried_at = $3, error = $5
    WHERE i.cluster = $1 AND (i.tried_at IS NULL OR i.tried_at <= $3)
    RETURNING i.cluster
), found AS MATERIALIZED (
    SELECT f.* FROM taken CROSS JOIN json_to_recordset(coalesce($4, '[]')::json) AS f (kind text, project uuid, object text, message text, known json)
    WHERE f.project IS NULL OR NOT EXISTS (
        SELECT FROM projects p WHERE p.id = f.project AND (p.status <> 'deleted' OR p.updated_at >= $3::timestamptz))
), resolved AS (
    DELETE FROM findings f USING taken
    WHERE f.cluster = taken.cluster AND f.kind IN ('orphaned', 'residue') AND f.last_seen_at < $3 AND $4 IS NOT NULL
      AND (f.kind = 'orphaned' OR f.project_id IS NULL)
      AND NOT EXISTS (SELECT FROM found WHERE (found.kind, found.object) = (f.kind, f.object))
)
INSERT INTO findings AS f (kind, project_id, provisioner, cluster, object, message, known, first_seen_at, last_seen_at)
SELECT kind, project, $2, $1, object, message, known, $3, $3 FROM found
ON CONFLICT (cluster, object, kind) DO UPDATE
SET project_id = excluded.project_id, message = excluded.message, known = excluded.known, last_seen_at = greatest(f.last_seen_at, excluded.last_seen_at)
