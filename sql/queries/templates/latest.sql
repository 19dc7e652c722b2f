-- List the latest version of each template.
SELECT DISTINCT ON (name) name, version, provisioner, definition::text AS definition, created_at
FROM templates
ORDER BY name, version DESC
