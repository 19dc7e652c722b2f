-- Fold the counters of projects into one row for each status. The sum never changes.
WITH taken AS (
    DELETE FROM project_counts WHERE (SELECT count(*) FROM project_counts) > 12 RETURNING status, n
)
INSERT INTO project_counts SELECT status, sum(n) FROM taken GROUP BY status HAVING sum(n) <> 0
