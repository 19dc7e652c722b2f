-- The statement that gives what a role owns in this database to the owner role.
-- $1 role  $2 owner role
SELECT format('REASSIGN OWNED BY %I TO %I', $1::text, $2::text) AS statement
