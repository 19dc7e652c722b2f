-- Fold the last minutes of work: one row for each minute, queue, kind, what and duration bucket.
WITH many AS MATERIALIZED (
    SELECT minute, queue, kind, what, bucket FROM work_tallies
    WHERE minute > clock_timestamp() - interval '15 minutes'
    GROUP BY minute, queue, kind, what, bucket HAVING count(*) > 1
), taken AS (
    DELETE FROM work_tallies t USING many
    WHERE (t.minute, t.queue, t.kind, t.what, t.bucket) = (many.minute, many.queue, many.kind, many.what, many.bucket)
    RETURNING t.*
)
INSERT INTO work_tallies
SELECT minute, queue, kind, what, bucket, sum(n), sum(total_ms)
FROM taken GROUP BY minute, queue, kind, what, bucket
