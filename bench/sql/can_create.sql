-- Whether we may make databases of our own.
SELECT (rolcreatedb OR rolsuper)::int::bigint AS n FROM pg_roles WHERE rolname = current_user
