-- Describe the schema `provost` as the catalog knows it: one line per object, sorted, independent of file layout and of
-- comments. Function bodies are printed without comments and with single spaces.
WITH relations AS (
    SELECT c.oid, c.relname, c.relkind, c.reloptions, c.relispartition, c.relpartbound, c.relreplident
    FROM pg_class c WHERE c.relnamespace = 'provost'::regnamespace AND c.relname NOT IN ('schema_migrations', 'schema_functions')
), described (line) AS (
    SELECT concat_ws(' ', CASE relkind WHEN 'v' THEN 'view' WHEN 'c' THEN 'type' ELSE 'table' END, relname,
                     CASE WHEN relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(oid) END,
                     CASE WHEN relispartition THEN pg_get_expr(relpartbound, oid) END,
                     CASE WHEN relreplident <> 'd' AND relkind IN ('r', 'p') THEN 'REPLICA IDENTITY ' || relreplident::text END,
                     'WITH (' || array_to_string(reloptions, ', ') || ')',
                     CASE WHEN relkind = 'v' THEN regexp_replace(pg_get_viewdef(oid), '\s+', ' ', 'g') END)
    FROM relations WHERE relkind IN ('r', 'p', 'v', 'c')
    UNION ALL
    SELECT concat_ws(' ', 'columns of', relname || ':', string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END,
                     'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), CASE WHEN attidentity <> '' THEN 'IDENTITY ' || attidentity::text END), ', ' ORDER BY attnum))
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE relkind IN ('r', 'p', 'c') AND attnum > 0 AND NOT attisdropped
    GROUP BY relname
    UNION ALL
    SELECT concat_ws(' ', 'constraint', relname || '.' || conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid WHERE contype <> 'n'
    UNION ALL
    SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid))
    FROM pg_index i JOIN relations r ON r.oid = i.indrelid
    UNION ALL
    SELECT concat_ws(' ', 'trigger', relname, regexp_replace(pg_get_triggerdef(t.oid), '\s+', ' ', 'g'))
    FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT tgisinternal AND tgparentid = 0
    UNION ALL
    SELECT 'function ' || trim(regexp_replace(regexp_replace(pg_get_functiondef(p.oid), '--[^\n]*', '', 'g'), '\s+', ' ', 'g'))
    FROM pg_proc p WHERE p.pronamespace = 'provost'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'row retention', class, removed, pruned_at, last_event_id) FROM provost.retention
    UNION ALL
    SELECT concat_ws(' ', 'row queues', name, state, reason, actor) FROM provost.queues
    UNION ALL
    SELECT concat_ws(' ', 'row events', entity, entity_name, previous_state, new_state, reason, actor) FROM provost.events
)
SELECT line FROM described ORDER BY line COLLATE "C"
