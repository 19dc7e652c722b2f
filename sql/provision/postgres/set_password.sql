-- The statement that lets a role log in with this password. It is a SCRAM verifier, so the server never receives the password.
-- $1 role  $2 verifier
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text) AS statement
