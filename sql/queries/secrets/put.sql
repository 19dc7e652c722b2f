-- Store a secret of a project for an attempt that still holds its lease. A secret that exists stays as it is. Returns no row if the
-- lease is lost.
-- $1 job  $2 execution  $3 id  $4 name  $5 key id  $6 wrapped key  $7 ciphertext
WITH held AS MATERIALIZED (
    SELECT project_id FROM jobs WHERE id = $1 AND execution_id = $2 AND state = 'active' AND project_id IS NOT NULL FOR KEY SHARE
), stored AS (
    INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext)
    SELECT $3, held.project_id, $4, $5, $6, $7 FROM held
    ON CONFLICT (project_id, name) DO NOTHING
)
SELECT project_id FROM held
