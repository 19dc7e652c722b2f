-- Whether the role may create databases.
SELECT (rolcreatedb OR rolsuper)::int::bigint AS n FROM pg_roles WHERE rolname = current_user
