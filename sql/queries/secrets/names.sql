-- List the names of the secrets that a project can reveal. A name with a slash belongs to Provost itself, such as the state of
-- Terraform.
-- $1 project
SELECT name FROM secrets WHERE project_id = $1 AND name NOT LIKE '%/%' ORDER BY name
