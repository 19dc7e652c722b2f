-- Every lock of a Terraform state belongs to a project that exists, and if an attempt took it, to an attempt that is active.
SELECT l.project_id::text AS id FROM terraform_locks l
WHERE NOT EXISTS (SELECT FROM projects p WHERE p.id = l.project_id AND p.status <> 'deleted')
   OR l.execution_id IS NOT NULL AND NOT EXISTS (
       SELECT FROM jobs j WHERE j.project_id = l.project_id AND j.execution_id = l.execution_id AND j.state = 'active')
