-- Every statement the store runs on the logs of a database, by name. %(log)s is the log's id.

-- name: installed
SELECT to_regclass('indelible_log.format') IS NOT NULL

-- name: format
SELECT number FROM indelible_log.format

-- name: move_format
UPDATE indelible_log.format SET number = %s

-- name: set_format
INSERT INTO indelible_log.format VALUES (%s)

-- Of two that make a log at once one waits here.
-- name: alone
SELECT pg_advisory_xact_lock(hashtext('indelible_log'))

-- name: log
SELECT id FROM indelible_log.log WHERE name = %s

-- name: add_log
INSERT INTO indelible_log.log (name) VALUES (%s) RETURNING id

-- name: first_head
INSERT INTO indelible_log.head (log_id, size, root, frontier) VALUES (%s, 0, %s, '')

-- name: add_property
INSERT INTO indelible_log.property (log_id, name, value) VALUES (%s, %s, %s)

-- name: properties
SELECT name, value FROM indelible_log.property WHERE log_id = %s

-- Whatever the role is set to: what is acknowledged is on the disk, and on that of a synchronous standby.
-- name: durable
-- That a commit stopped waiting for one is a warning, which is to be heard.
SELECT set_config('client_min_messages', 'warning', false), CASE
  WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN set_config('synchronous_commit', 'on', false)
END

-- A transaction that has written waits for the standby at its commit, and with it for all before it.
-- name: wait_for_standby
SELECT pg_logical_emit_message(true, 'indelible', '') WHERE current_setting('synchronous_standby_names') <> ''

-- name: head
SELECT size, root, frontier FROM indelible_log.head WHERE log_id = %s

-- One appends; the others wait here.
-- name: head_locked
SELECT size, root, frontier FROM indelible_log.head WHERE log_id = %s FOR UPDATE

-- The compare-and-swap: no row changes if somebody else appended since the head was read.
-- name: move_head
UPDATE indelible_log.head SET size = %(size)s, root = %(root)s, frontier = %(frontier)s
WHERE log_id = %(log)s AND size = %(expected)s

-- name: add_node
INSERT INTO indelible_log.node (log_id, level, number, hash) VALUES (%s, %s, %s, %s)

-- name: add_attachment
INSERT INTO indelible_log.attachment (log_id, hash, nonce, value) VALUES (%s, %s, %s, %s)

-- As in `rows.FIND`: each by a unique index.
-- name: known
SELECT found.id, found.seq FROM unnest(%s::uuid[]) AS given (id)
CROSS JOIN LATERAL (SELECT id, seq FROM indelible_log.entry WHERE log_id = %s AND id = given.id LIMIT 1) found

-- name: known_below
SELECT 1 FROM indelible_log.entry WHERE log_id = %s AND id = %s AND seq < %s

-- name: leaves
SELECT seq, hash, line FROM indelible_log.leaf WHERE log_id = %s AND seq >= %s AND seq < %s ORDER BY seq LIMIT %s

-- name: line
SELECT line FROM indelible_log.leaf WHERE log_id = %s AND seq = %s

-- name: lines
SELECT line FROM indelible_log.leaf WHERE log_id = %s AND seq = ANY (%s) ORDER BY seq

-- name: stretch
SELECT line FROM indelible_log.leaf WHERE log_id = %s AND seq >= %s AND seq < %s ORDER BY seq

-- Without the right to it, what is read by `own_lines` is the same: the view is one wall, the role a second.
-- name: as_tenant
DO $$ BEGIN
  IF has_schema_privilege('indelible_tenant', 'indelible_log', 'USAGE')
    AND has_table_privilege('indelible_tenant', 'indelible_log.own_leaf', 'SELECT') THEN
    SET LOCAL ROLE indelible_tenant;
  END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL;
END $$

-- name: of_organization
SELECT set_config('indelible.organization', %s, true)

-- Each by the whole keys, as in `known`.
-- name: own_lines
SELECT line FROM unnest(%s::bigint[]) AS given (seq) CROSS JOIN LATERAL
(SELECT line FROM indelible_log.own_leaf WHERE log_id = %s AND seq = given.seq LIMIT 1) found ORDER BY given.seq

-- name: leaf_hashes
SELECT hash FROM indelible_log.leaf WHERE log_id = %s AND seq >= %s AND seq < %s ORDER BY seq

-- name: nodes
SELECT hash FROM indelible_log.node WHERE log_id = %s AND number >= %s AND number < %s AND level = %s ORDER BY number

-- By the first spelling of its type.
-- name: entities
SELECT id FROM indelible_log.entity WHERE log_id = %s AND type_id IN (
  SELECT id FROM indelible_log.entity_type WHERE log_id = %s AND (folded = %s OR position(%s::bytea in folded) = 1)
) AND sha256(key) = sha256(%s)

-- name: organizations
SELECT id FROM indelible_log.organization WHERE log_id = %s AND sha256(key) = sha256(%s)

-- name: bounds
SELECT min(seq), max(seq) FROM (
  (SELECT seq FROM indelible_log.leaf WHERE log_id = %(log)s ORDER BY seq LIMIT 1)
  UNION ALL (SELECT seq FROM indelible_log.leaf WHERE log_id = %(log)s ORDER BY seq DESC LIMIT 1)
  UNION ALL (SELECT seq FROM indelible_log.entry WHERE log_id = %(log)s ORDER BY seq LIMIT 1)
  UNION ALL (SELECT seq FROM indelible_log.entry WHERE log_id = %(log)s ORDER BY seq DESC LIMIT 1)
  UNION ALL SELECT max(((number + 1) << (8 * level)) - 1) FROM indelible_log.node WHERE log_id = %(log)s
) AS places

-- Whoever listens is told once it is committed.
-- name: add_checkpoint
WITH added AS (
  INSERT INTO indelible_log.checkpoint (log_id, size, note) SELECT %(log)s, %(size)s, %(note)s
  WHERE %(size)s > (SELECT coalesce(max(size), -1) FROM indelible_log.checkpoint WHERE log_id = %(log)s)
  ON CONFLICT DO NOTHING RETURNING log_id
)
SELECT pg_notify('indelible_' || log_id, '') FROM added

-- name: newest_checkpoint
SELECT size, note FROM indelible_log.checkpoint WHERE log_id = %s AND size <= %s ORDER BY size DESC LIMIT 1

-- name: checkpoints
SELECT size, note FROM indelible_log.checkpoint WHERE log_id = %s AND size > %s AND size <= %s ORDER BY size LIMIT %s

-- name: add_organization_checkpoint
INSERT INTO indelible_log.organization_checkpoint (log_id, organization, log_size, note)
SELECT %(log)s, %(organization)s, %(log_size)s, %(note)s WHERE %(log_size)s > (
  SELECT coalesce(max(log_size), -1) FROM indelible_log.organization_checkpoint
  WHERE log_id = %(log)s AND sha256(organization) = sha256(%(organization)s)
) ON CONFLICT DO NOTHING

-- name: newest_organization_checkpoint
SELECT log_size, note FROM indelible_log.organization_checkpoint
WHERE log_id = %s AND sha256(organization) = sha256(%s) ORDER BY log_size DESC LIMIT 1

-- name: organization_checkpoints
SELECT organization, log_size, note FROM indelible_log.organization_checkpoint
WHERE log_id = %s AND (log_size, organization) > (%s, %s) ORDER BY log_size, organization LIMIT %s

-- name: add_cosignature
INSERT INTO indelible_log.cosignature (log_id, size, line) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: cosignatures
SELECT line FROM indelible_log.cosignature WHERE log_id = %s AND size = %s ORDER BY line

-- name: newest_cosigned
SELECT size, note FROM indelible_log.cosignature JOIN indelible_log.checkpoint USING (log_id, size)
WHERE log_id = %(log)s AND size <= %(upto)s AND substr(line, 1, length(%(begins)s)) = %(begins)s
ORDER BY size DESC LIMIT 1

-- name: add_key_change
INSERT INTO indelible_log.key_change (log_id, number, note) VALUES (%s, %s, %s)

-- name: key_changes
SELECT note FROM indelible_log.key_change WHERE log_id = %s ORDER BY number

-- name: attachments
SELECT hash, nonce, value FROM indelible_log.attachment WHERE log_id = %s AND hash > %s ORDER BY hash LIMIT %s

-- name: attached
SELECT value FROM indelible_log.attachment WHERE log_id = %s AND hash = %s

-- name: name_organization
UPDATE indelible_log.organization SET name = %s, folded = %s WHERE log_id = %s AND id = %s

-- name: name_entity
UPDATE indelible_log.entity SET name = %s, folded = %s WHERE log_id = %s AND id = %s

-- What `verify` holds against the lines: the index as people search it.
-- name: index_rows
SELECT e.seq, e.id, e.at, a.key, o.key, s.key, t.key, n.key, c.key,
       CASE WHEN e.organization_id IS NULL OR g.id IS NOT NULL THEN g.key ELSE '' END,  -- a number that is nobody's
       a.folded, o.folded, s.folded, t.folded, n.folded, c.folded, g.folded
FROM indelible_log.entry e
LEFT JOIN indelible_log.action a ON a.log_id = e.log_id AND a.id = e.action_id
LEFT JOIN indelible_log.operation o ON o.log_id = e.log_id AND o.id = e.operation_id
LEFT JOIN indelible_log.source s ON s.log_id = e.log_id AND s.id = e.source_id
LEFT JOIN indelible_log.entity_type t ON t.log_id = e.log_id AND t.id = e.entity_type_id
LEFT JOIN indelible_log.entity n ON n.log_id = e.log_id AND n.id = e.entity_id AND n.type_id = e.entity_type_id
LEFT JOIN indelible_log.actor c ON c.log_id = e.log_id AND c.id = e.actor_id
LEFT JOIN indelible_log.organization g ON g.log_id = e.log_id AND g.id = e.organization_id
WHERE e.log_id = %s AND e.seq >= %s AND e.seq < %s ORDER BY e.seq

-- What refuses, and what shows: `intact.py` has it as it was made. A server may have quoted every name then.
-- name: objects
SELECT 'trigger', format('%%s of indelible_log.%%s', t.tgname, c.relname), format('%%s %%s %%s.%%s [%%s]%%s',
  t.tgtype, t.tgenabled, n.nspname, p.proname, (
    SELECT string_agg(attname, ', ' ORDER BY place) FROM unnest(t.tgattr::smallint[]) WITH ORDINALITY u (number, place)
    JOIN pg_attribute ON attrelid = t.tgrelid AND attnum = number
  ), CASE WHEN t.tgqual IS NOT NULL THEN ' WHEN' END)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE c.relnamespace = 'indelible_log'::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT 'function', proname, format('%%s %%s', prosrc, replace(array_to_string(proconfig, ' '), '"pg_catalog", "pg_temp"', 'pg_catalog, pg_temp'))
FROM pg_proc WHERE pronamespace = 'indelible_log'::regnamespace AND NOT prosecdef
UNION ALL SELECT 'view', relname, format('%%s %%s', array_to_string(reloptions, ' '), pg_get_viewdef(oid))
FROM pg_class WHERE relnamespace = 'indelible_log'::regnamespace AND relkind = 'v'
UNION ALL SELECT 'key', format('%%s of indelible_log.%%s', i.relname, c.relname), ''
FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid
WHERE c.relnamespace = 'indelible_log'::regnamespace AND indisunique AND indisvalid AND indimmediate
UNION ALL SELECT 'table', format('indelible_log.%%s', relname), relkind::text || CASE WHEN relrowsecurity THEN ' hides' ELSE '' END
FROM pg_class WHERE relnamespace = 'indelible_log'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL SELECT 'rule', format('%%s of indelible_log.%%s', r.rulename, c.relname), ''
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'indelible_log'::regnamespace AND NOT (c.relkind IN ('v', 'm') AND r.rulename = '_RETURN')

-- Changes of what honest writers only add to. Committed ones are counted within a second or so.
-- name: pulse
SELECT sum(n_tup_upd + n_tup_del), sum(pg_relation_filenode(relid)::bigint) FROM pg_stat_user_tables
WHERE schemaname = 'indelible_log' AND relname NOT IN ('head', 'organization', 'entity')

-- name: amcheck
SELECT p.pronamespace::regnamespace::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'amcheck'
WHERE p.proname = 'bt_index_check' AND p.pronargs = 2 AND has_function_privilege(p.oid, 'execute')

-- name: indexes
SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'indelible_log'::regnamespace ORDER BY c.relname
