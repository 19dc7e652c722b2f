-- Fold recent provisioning statistics into one row for each minute, outcome, reason and bucket.
WITH unfolded AS MATERIALIZED (
    SELECT minute, outcome, reason, bucket
    FROM provision_stats
    WHERE minute > clock_timestamp() - interval '15 minutes'
    GROUP BY minute, outcome, reason, bucket HAVING count(*) > 1
), taken AS (
    DELETE FROM provision_stats t USING unfolded
    WHERE (t.minute, t.outcome, t.reason, t.bucket) = (unfolded.minute, unfolded.outcome, unfolded.reason, unfolded.bucket)
    RETURNING t.*
)
INSERT INTO provision_stats
SELECT minute, outcome, reason, bucket, sum(n), sum(total_ms), max(last_at)
FROM taken GROUP BY minute, outcome, reason, bucket
