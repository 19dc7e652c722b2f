-- Store a version of the state of a project.
-- $1 project  $2 execution or null  $3 id of the lock or null  $4 serial  $5 lineage  $6 digest  $7 bytes  $8 id of the secret
-- $9 key id  $10 wrapped key  $11 ciphertext  $12 actor
SELECT o.outcome, o.holder, o.newest FROM put_terraform_state($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS o
