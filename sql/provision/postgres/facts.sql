-- What this server is, and what this login may do.
SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS version_text,
       (pg_control_system()).system_identifier::text AS system_identifier, current_user::text AS admin,
       r.rolcreatedb OR r.rolsuper AS may_create_databases, r.rolcreaterole OR r.rolsuper AS may_create_roles, pg_is_in_recovery() AS is_standby
FROM pg_roles r WHERE r.rolname = current_user
