-- Which cluster this is, and whether its files can be listed.
SELECT (pg_control_system()).system_identifier::text AS cluster_id, (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS may_list_files
