-- What PostgreSQL says of its tables. %(...)s are bound; search_path is pg_catalog alone, so that expressions are
-- deparsed with every other name qualified.

-- name: tables
-- Ordinary and partitioned tables of the application. A partition is watched through its root.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS inherits,
       EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 66 = 0  -- after
         AND (g.tgname !~ '^!?indelible_' OR g.tgname = '!indelible_mark')) AS crowded
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'indelible', 'indelible_log')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname <> 'public', n.nspname, c.relname;

-- name: columns
-- A domain is told by the type it stands on. `castable`: to text, by a cast of the server's own.
WITH RECURSIVE base AS (
  SELECT a.attnum, a.atttypid AS type FROM pg_attribute a
  WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT base.attnum, t.typbasetype FROM base JOIN pg_type t ON t.oid = base.type AND t.typtype = 'd'
)
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS declared, t.typname AS type,
       n.nspname = 'pg_catalog' AND t.typtype IN ('b', 'r', 'm') AS builtin,
       EXISTS (SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = 'text'::regtype AND k.oid < 16384)
         OR t.oid = 'text'::regtype AS castable,
       t.typarray <> 0 OR t.typcategory = 'A' AS arrays,
       CASE WHEN a.attgenerated = 'v' THEN pg_get_expr(g.adbin, g.adrelid) END AS expression,
       ARRAY(SELECT o.attname FROM pg_depend d JOIN pg_attribute o ON o.attrelid = d.refobjid AND o.attnum = d.refobjsubid
         WHERE d.classid = 'pg_attrdef'::regclass AND d.objid = g.oid AND d.refclassid = 'pg_class'::regclass
           AND d.refobjid = g.adrelid AND d.refobjsubid > 0 AND d.refobjsubid <> g.adnum
         ORDER BY o.attnum)::text[] AS bases,  -- the columns that it is made from
       a.attnum AS number
FROM base JOIN pg_type t ON t.oid = base.type AND t.typtype <> 'd' JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_attribute a ON a.attrelid = %(oid)s AND a.attnum = base.attnum
LEFT JOIN pg_attrdef g ON g.adrelid = a.attrelid AND g.adnum = a.attnum
ORDER BY a.attnum;

-- name: key
-- The primary key; else a unique index that tells every row apart.
SELECT array_agg(a.attname ORDER BY k.place)::text[] AS columns
FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place), pg_attribute a
WHERE i.indrelid = %(oid)s AND i.indisunique AND i.indisvalid AND (i.indimmediate OR i.indisprimary) AND i.indpred IS NULL AND i.indexprs IS NULL
  AND a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary, i.indisreplident
HAVING bool_and(a.attnotnull)
ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indexrelid LIMIT 1;

-- name: members
-- The tables whose rows one table has: itself, its partitions, or its children.
SELECT c.oid, n.nspname AS schema, c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT relid FROM pg_partition_tree(%(oid)s)) AND c.oid <> %(oid)s ORDER BY c.oid;
