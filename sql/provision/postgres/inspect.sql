-- What exists of a project: databases with its name, its mark or its OID, and roles with its names, as JSON.
-- $1 database  $2 its name while it is set aside  $3 prefix of all roles  $4 marker  $5 OID of the database, or null
SELECT (pg_control_system()).system_identifier::text AS cluster_id,
       (SELECT json_agg(json_build_object(
            'name', d.datname, 'oid', d.oid::bigint, 'owner', pg_get_userbyid(d.datdba), 'is_own', pg_get_userbyid(d.datdba) = current_user,
            'marker', shobj_description(d.oid, 'pg_database'), 'connections', d.datconnlimit,
            'statement_timeout', (SELECT split_part(s.setting, '=', 2) FROM pg_db_role_setting r CROSS JOIN LATERAL unnest(r.setconfig) AS s (setting)
                                  WHERE r.setdatabase = d.oid AND r.setrole = 0 AND starts_with(s.setting, 'statement_timeout=')),
            'may_connect', ARRAY(SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END
                                 FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.privilege_type = 'CONNECT' ORDER BY 1)
        ) ORDER BY d.datname = $1::text DESC)
        FROM pg_database d
        WHERE d.datname IN ($1, $2::text) OR d.oid = $5::bigint::oid OR shobj_description(d.oid, 'pg_database') = $4::text)::text AS databases,
       (SELECT json_agg(json_build_object(
            'name', r.rolname, 'may_log_in', r.rolcanlogin, 'marker', shobj_description(r.oid, 'pg_authid'),
            'attributes', array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END], NULL),
            'acts_as', (SELECT split_part(s.setting, '=', 2) FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) AS s (setting)
                        WHERE d.setrole = r.oid AND d.setdatabase = 0 AND starts_with(s.setting, 'role=')),
            'member_of', ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
            'members', ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.member WHERE m.roleid = r.oid AND g.rolname <> current_user ORDER BY 1)
        ) ORDER BY length(r.rolname), r.rolname)
        FROM pg_roles r WHERE starts_with(r.rolname, $3::text))::text AS roles
