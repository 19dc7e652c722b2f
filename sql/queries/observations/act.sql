-- Take up an orphan: adopt, quarantine or remove it.
-- $1 finding  $2 verb  $3 new job  $4 name of the project, or null  $5 template  $6 timeout (s)  $7 max attempts  $8 grace (s), or null
-- $9 actor  $10 reason or null  $11 request id  $12 notify?
SELECT a.outcome, a.project_id FROM act_on_orphan($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS a
