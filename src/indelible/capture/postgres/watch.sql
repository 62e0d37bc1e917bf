-- name: newest
SELECT id, definition, shape FROM indelible.watch WHERE relation = %(relation)s ORDER BY id DESC LIMIT 1

-- name: add
INSERT INTO indelible.watch (relation, table_name, definition, shape)
VALUES (%(relation)s, %(table)s, %(definition)s, %(shape)s) RETURNING id

-- name: triggers
SELECT t.tgname AS name, t.tgenabled AS enabled, t.tgtype::integer AS kind, p.proname AS function, p.prosrc AS body,
       coalesce(p.proconfig, '{}') AS settings
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %(relation)s AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname LIKE %(prefix)s
