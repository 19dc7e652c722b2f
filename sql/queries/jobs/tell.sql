-- Go on telling those that wait where the jobs are that they wait for: what was too much for the statements that moved these. See
-- tell_on in the migrations. Nobody waits here for somebody else who does so.
-- $1 how many of those jobs at most
WITH first AS MATERIALIZED (
    SELECT id FROM tellings ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM tellings t USING first WHERE t.id = first.id RETURNING 1
)
SELECT count(*) AS n FROM taken
