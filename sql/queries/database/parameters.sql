-- List the types of the parameters of the statement that this transaction has prepared, in order.
SELECT unnest(parameter_types)::oid::text AS type FROM pg_prepared_statements WHERE name = 'provost_described'
