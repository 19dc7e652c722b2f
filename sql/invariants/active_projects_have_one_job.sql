-- Every project with an operation in progress has exactly one unfinished job, and no other project has one.
SELECT p.id::text AS id
FROM projects p LEFT JOIN jobs j ON j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled', 'superseded')
GROUP BY p.id
HAVING count(j.id) <> (p.deadline_at IS NOT NULL)::integer
