-- Delete a secret of a project for an attempt that still holds its lease. Returns no row if the lease is lost.
-- $1 job  $2 execution  $3 name
WITH held AS MATERIALIZED (
    SELECT project_id FROM jobs WHERE id = $1 AND execution_id = $2 AND state = 'active' AND project_id IS NOT NULL FOR KEY SHARE
), removed AS (
    DELETE FROM secrets s USING held WHERE s.project_id = held.project_id AND s.name = $3
)
SELECT project_id FROM held
