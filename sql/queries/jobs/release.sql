-- Continue releases that were too large for one statement (see continue_releases). Skips rows that another process has locked.
-- $1 max rows
WITH first AS MATERIALIZED (
    SELECT id FROM pending_releases ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM pending_releases t USING first WHERE t.id = first.id RETURNING 1
)
SELECT count(*) AS n FROM taken
