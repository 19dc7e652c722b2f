-- What a provisioner is told about a project: the payload of the jobs of its operations.
CREATE OR REPLACE FUNCTION operation_payload(project projects) RETURNS json LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
WITH known AS (
    -- What earlier operations have recorded, such as the identity of the cluster; the last successful one counts first.
    SELECT DISTINCT ON (name) name, value
    FROM (SELECT o.name, o.value, 0 AS place, NULL::uuid AS job_id FROM outputs o WHERE o.project_id = project.id
          UNION ALL SELECT o.key, o.value, 1, s.job_id FROM steps s CROSS JOIN LATERAL json_each(s.output) AS o WHERE s.project_id = project.id) AS k
    ORDER BY name, place, job_id DESC
)
SELECT json_build_object('project_id', project.id, 'installation', (SELECT i.id FROM installation i), 'name', project.name,
                         'labels', project.labels, 'template', project.template, 'template_version', project.template_version,
                         'provisioner', coalesce(t.provisioner, project.template), 'settings', coalesce(t.settings, '{}'),
                         'parameters', project.parameters, 'known', (SELECT json_object_agg(k.name, k.value) FROM known k))
FROM (SELECT) AS one LEFT JOIN templates t ON t.name = project.template AND t.version = project.template_version
$$;
