-- name: begun
SELECT b.watch, w.relation FROM indelible.baseline b JOIN indelible.watch w ON w.id = b.watch ORDER BY b.watch

-- name: lock
SELECT after FROM indelible.baseline WHERE watch = %(watch)s FOR UPDATE

-- name: move
UPDATE indelible.baseline SET after = %(after)s WHERE watch = %(watch)s

-- name: finish
DELETE FROM indelible.baseline WHERE watch = %(watch)s

-- One page of a table by key order, as one outbox row; gives the keys it has.
-- name: page
WITH page AS (
  SELECT {cells} AS cells, ARRAY[{place}] AS place FROM {table} {above} ORDER BY {order} LIMIT %(page)s FOR SHARE OF t
), written AS (
  INSERT INTO indelible.outbox (watch, operation, context, marker, rows, new)
  SELECT %(watch)s, 'baseline', %(context)s, %(marker)s, count(*), array_agg(p.cells) FROM page p HAVING count(*) > 0
)
SELECT place FROM page

-- A table without a key has no order to be read in: all of it at once.
-- name: everything
INSERT INTO indelible.outbox (watch, operation, context, marker, rows, new)
SELECT %(watch)s, 'baseline', %(context)s, %(marker)s, count(*), array_agg(p.cells)
FROM (SELECT l.cells, row_number() OVER () / 500 AS page FROM (SELECT {cells} AS cells FROM {table} FOR SHARE OF t) l) p
GROUP BY p.page ORDER BY p.page
