-- List the outputs of a project.
-- $1 project
SELECT name, value::text AS value FROM outputs WHERE project_id = $1 ORDER BY name
