-- Look up a role.
-- $1 name
SELECT r.rolcanlogin AS may_log_in, shobj_description(r.oid, 'pg_authid') AS marker, pg_has_role(r.oid, 'MEMBER') AS is_member
FROM pg_roles r WHERE r.rolname = $1
