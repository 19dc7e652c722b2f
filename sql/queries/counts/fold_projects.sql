-- Fold the counters: as many rows as there are statuses. The sum is the same before, meanwhile and after.
WITH taken AS (
    DELETE FROM project_tallies WHERE (SELECT count(*) FROM project_tallies) > 12 RETURNING status, n
)
INSERT INTO project_tallies SELECT status, sum(n) FROM taken GROUP BY status HAVING sum(n) <> 0
