-- Fold recent work statistics into one row for each minute, queue, kind, event and bucket.
WITH unfolded AS MATERIALIZED (
    SELECT minute, queue, kind, event, bucket FROM work_stats
    WHERE minute > clock_timestamp() - interval '15 minutes'
    GROUP BY minute, queue, kind, event, bucket HAVING count(*) > 1
), taken AS (
    DELETE FROM work_stats t USING unfolded
    WHERE (t.minute, t.queue, t.kind, t.event, t.bucket) = (unfolded.minute, unfolded.queue, unfolded.kind, unfolded.event, unfolded.bucket)
    RETURNING t.*
)
INSERT INTO work_stats
SELECT minute, queue, kind, event, bucket, sum(n), sum(total_ms)
FROM taken GROUP BY minute, queue, kind, event, bucket
