-- The statements that drop roles.
-- $1 names
SELECT format('DROP ROLE IF EXISTS %I', name) AS statement FROM unnest($1::text[]) AS name
