-- The statements that open a database to its owner role, and set its limits.
-- $1 database  $2 owner role  $3 connection limit  $4 statement timeout
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1::text) AS statement
UNION ALL SELECT format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO %I', $1, $2::text)
UNION ALL SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $1, $3::integer)
UNION ALL SELECT format('ALTER DATABASE %I SET statement_timeout = %L', $1, $4::text)
UNION ALL SELECT format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', $1, '10min')
