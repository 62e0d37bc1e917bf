-- What a dump cannot carry along, and a copy of the files keeps. In a database that was restored, the tables have other
-- oids, and one may have that of another: there `watch.relation` says nothing, and names say what was watched.
-- name: place
concat('indelible.watch'::regclass::oid, '/', (SELECT xmin FROM indelible.source))

-- Whether what is known of tables was written in this database. Noted on the table by `settle`; an older version did not.
-- name: here
coalesce(obj_description('indelible.watch'::regclass, 'pg_class') = {place}, true)

-- name: settle
DO $$ BEGIN
  IF NOT {here} THEN UPDATE indelible.watch SET relation = 0; END IF;
  UPDATE indelible.source SET only_one = true;  -- the row is of this transaction now, and its xmin says so
  EXECUTE 'COMMENT ON TABLE indelible.watch IS ' || quote_literal({place});
END $$

-- name: settled
SELECT obj_description('indelible.watch'::regclass, 'pg_class') IS NOT DISTINCT FROM {place} AS settled

-- name: newest
SELECT id, table_name, definition, shape FROM indelible.watch
WHERE relation = %(relation)s AND {here} AND (definition IS NOT NULL OR NOT %(ended)s) ORDER BY id DESC LIMIT 1

-- Of a table that was remade or restored.
-- name: newest_of_its_name
SELECT id, table_name, definition, shape FROM indelible.watch
WHERE table_name = %(table)s AND (definition IS NOT NULL OR NOT %(ended)s) ORDER BY id DESC LIMIT 1

-- name: add
INSERT INTO indelible.watch (relation, table_name, definition, shape)
VALUES (%(relation)s, %(table)s, %(definition)s, %(shape)s) RETURNING id

-- name: note
INSERT INTO indelible.outbox (watch, operation, context, rows, new)
VALUES (%(watch)s, 'note', %(context)s, 1, ARRAY[ARRAY[%(note)s]])

-- Watched, as the newest row has it, and no longer there; or by now a partition, watched through its root.
-- name: dropped
SELECT relation, table_name, definition, c.oid IS NOT NULL AS attached
FROM indelible.watch w LEFT JOIN pg_class c ON c.oid = w.relation AND {here}
WHERE definition IS NOT NULL AND coalesce(c.relispartition, true)
  AND id = (SELECT max(id) FROM indelible.watch n WHERE n.relation = w.relation)

-- One that is under way is finished as the table is watched now.
-- name: go_on_with_baseline
UPDATE indelible.baseline SET watch = %(watch)s WHERE watch = %(then)s

-- name: begin_baseline
INSERT INTO indelible.baseline (watch) VALUES (%(watch)s)

-- name: last
SELECT coalesce(max(id), 0) AS last FROM indelible.watch

-- For what is watched only since.
-- name: no_baseline
DELETE FROM indelible.baseline WHERE watch > %(last)s

-- name: triggers
SELECT t.tgname AS name, t.tgenabled AS enabled, t.tgtype::integer AS kind, p.proname AS function, p.prosrc AS body,
       coalesce(p.proconfig, '{}') AS settings,
       t.tgqual IS NULL AND t.tgattr = '' AND t.tgconstraint = 0 AND p.prosecdef
         AND p.pronamespace = 'indelible'::regnamespace AS plain  -- without a condition, and with the owner's rights
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %(relation)s AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname ~ '^!?indelible_'

-- name: definitions
SELECT id, CASE WHEN {here} THEN relation ELSE 0 END AS relation, definition FROM indelible.watch ORDER BY id

-- Whether the database itself notes changes of the schema.
-- name: notes_ddl
SELECT to_regproc('indelible.note_ddl') IS NOT NULL AS notes

-- What keeps records from the outbox, or lets others put some in.
-- name: faults
SELECT 'what capture keeps in the database was made by another version of it' AS fault
WHERE obj_description('indelible'::regnamespace, 'pg_namespace') IS DISTINCT FROM %(made)s
UNION ALL SELECT 'the outbox is unlogged, or hides rows from its owner' FROM pg_class
WHERE oid = 'indelible.outbox'::regclass AND (relpersistence <> 'p' OR relrowsecurity)
UNION ALL SELECT format('the outbox has a rule of somebody''s, %%s', rulename) FROM pg_rules
WHERE schemaname = 'indelible' AND tablename = 'outbox'
UNION ALL SELECT format('the outbox has a trigger of somebody''s, %%s', tgname) FROM pg_trigger
WHERE tgrelid = 'indelible.outbox'::regclass AND NOT tgisinternal AND tgname <> 'refuses'
UNION ALL SELECT 'the trigger of the outbox that refuses changes is missing or switched off' WHERE NOT EXISTS (
  SELECT FROM pg_trigger WHERE tgrelid = 'indelible.outbox'::regclass AND tgname = 'refuses' AND tgenabled = 'A')
UNION ALL SELECT format('the event trigger %%s is missing or switched off', name)
FROM unnest(ARRAY['indelible_ddl', 'indelible_drop']) name
WHERE to_regproc('indelible.note_ddl') IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = name AND evtenabled = 'A')
UNION ALL SELECT format('%%s may write into the outbox', CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END)
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.oid = 'indelible.outbox'::regclass AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'

-- name: functions
SELECT p.oid::regprocedure::text AS signature, p.proname AS name, p.prosrc AS body, p.proname ~ '_computed_' AS computes,
       p.prosecdef OR p.proconfig IS NOT NULL AS set
FROM pg_proc p
WHERE p.pronamespace = 'indelible'::regnamespace AND p.proname ~ format('^capture_%%s_[a-z0-9_]+$', %(relation)s::oid)
