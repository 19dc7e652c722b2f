-- What a provisioner is told about a project: the payload of the jobs of its operations. A clone is told about its source.
-- `opens`: whether access is given back when the project is restored, or when blocking it is undone.
CREATE OR REPLACE FUNCTION operation_payload(project projects) RETURNS json LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT json_build_object('project_id', project.id, 'installation', (SELECT i.id FROM installation i), 'name', project.name,
                         'labels', project.labels, 'template', project.template, 'template_version', project.template_version,
                         'provisioner', coalesce(t.provisioner, project.template), 'settings', coalesce(t.settings, '{}'),
                         'parameters', project.parameters, 'known', known_outputs(project.id),
                         'was_ready', project.was_ready, 'opens', coalesce(project.status_before_deletion, 'ready') = 'ready',
                         'source', CASE project.operation WHEN 'clone' THEN
                             json_build_object('project_id', project.source_id, 'known', known_outputs(project.source_id)) END)
FROM (SELECT) AS one LEFT JOIN templates t ON t.name = project.template AND t.version = project.template_version
$$;
