-- name: newest
SELECT id, table_name, definition, shape FROM indelible.watch WHERE relation = %(relation)s ORDER BY id DESC LIMIT 1

-- name: add
INSERT INTO indelible.watch (relation, table_name, definition, shape)
VALUES (%(relation)s, %(table)s, %(definition)s, %(shape)s) RETURNING id

-- name: note
INSERT INTO indelible.outbox (watch, operation, context, rows, new)
VALUES (%(watch)s, 'note', %(context)s, 1, ARRAY[ARRAY[%(note)s]])

-- Watched, as the newest row has it, and no longer there.
-- name: dropped
SELECT relation, table_name FROM indelible.watch w
WHERE definition IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = w.relation)
  AND id = (SELECT max(id) FROM indelible.watch n WHERE n.relation = w.relation)

-- name: begin_baseline
INSERT INTO indelible.baseline (watch) VALUES (%(watch)s)

-- name: last
SELECT coalesce(max(id), 0) AS last FROM indelible.watch

-- For what is watched only since.
-- name: no_baseline
DELETE FROM indelible.baseline WHERE watch > %(last)s

-- name: triggers
SELECT t.tgname AS name, t.tgenabled AS enabled, t.tgtype::integer AS kind, p.proname AS function, p.prosrc AS body,
       coalesce(p.proconfig, '{}') AS settings
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %(relation)s AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname LIKE %(prefix)s

-- name: definitions
SELECT id, relation, definition FROM indelible.watch ORDER BY id
