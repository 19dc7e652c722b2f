-- Fold the last minutes of provisioning results: one row for each minute, outcome, reason and duration bucket.
WITH due AS MATERIALIZED (
    SELECT minute, outcome, reason, bucket
    FROM provision_tallies
    WHERE minute > clock_timestamp() - interval '15 minutes'
    GROUP BY minute, outcome, reason, bucket HAVING count(*) > 1
), taken AS (
    DELETE FROM provision_tallies t USING due
    WHERE (t.minute, t.outcome, t.reason, t.bucket) = (due.minute, due.outcome, due.reason, due.bucket)
    RETURNING t.*
)
INSERT INTO provision_tallies
SELECT minute, outcome, reason, bucket, sum(n), sum(total_ms), max(last_at)
FROM taken GROUP BY minute, outcome, reason, bucket
