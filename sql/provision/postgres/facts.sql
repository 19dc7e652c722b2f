-- What this server is, and what this login may do. `open_databases`: PUBLIC may enter, and this login cannot forbid it.
SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS version_text,
       (pg_control_system()).system_identifier::text AS system_identifier, current_user::text AS admin, r.rolsuper AS is_superuser,
       r.rolcreatedb OR r.rolsuper AS may_create_databases, r.rolcreaterole OR r.rolsuper AS may_create_roles,
       pg_is_in_recovery() AS is_standby, current_setting('max_connections')::integer AS max_connections,
       (SELECT coalesce(sum(s.numbackends), 0)::bigint FROM pg_stat_database s) AS connections,
       ARRAY(SELECT d.datname::text FROM pg_database d
             WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT (r.rolsuper OR pg_has_role(d.datdba, 'USAGE'))
               AND EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT')
             ORDER BY d.datname) AS open_databases
FROM pg_roles r WHERE r.rolname = current_user
