-- What has the names of a project and the mark of something else.
-- $1 database  $2 its name while it is set aside  $3 prefix of the roles  $4 mark of the project
SELECT format('the database %s is marked as %L', d.datname, shobj_description(d.oid, 'pg_database')) AS found
FROM pg_database d WHERE d.datname IN ($1::text, $2::text) AND shobj_description(d.oid, 'pg_database') <> $4::text
UNION ALL
SELECT format('the role %s is marked as %L', r.rolname, shobj_description(r.oid, 'pg_authid'))
FROM pg_roles r WHERE starts_with(r.rolname, $3::text) AND shobj_description(r.oid, 'pg_authid') <> $4
